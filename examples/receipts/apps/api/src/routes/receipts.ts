import { checkReceipt, type NewReceipt, type PlanId, toDraft } from '@receipts/core';
import {
  type Client,
  deleteReceipt,
  findFile,
  findReceipt,
  insertReceipt,
  inWorkspaceOf,
  listReceipts,
  PostgresUsageStore,
  type Receipt,
  updateReceipt,
  type Workspace,
} from '@receipts/db';
import { quotaExhausted, receiptSaved } from '@receipts/email';
import { Meter, type Usage } from '@receipts/metering';
import { Hono } from 'hono';
import { requireUser, type Services, type SignedIn } from '../context.ts';
import { ApiError, notFound } from '../errors.ts';
import { quotaError } from '../quota.ts';
import { readJson, readSubmission, type Submission } from '../submission.ts';
import { countedAt } from '../synthetic.ts';

/** A receipt that was kept, and where the quota stands after it. */
interface Kept {
  readonly receipt: Receipt;
  readonly plan: PlanId;
  readonly usage: Usage;
}

export function receiptRoutes(services: Services): Hono<SignedIn> {
  const { config, notifier, now, pool } = services;

  const keep = async (
    client: Client,
    workspace: Workspace,
    userId: string,
    submission: Submission,
    counted: Date,
  ): Promise<Kept> => {
    const receipt = toReceipt(submission.fields, now());
    // In the same transaction as the insert: a receipt that is not kept is not counted.
    const meter = new Meter('receipts', new PostgresUsageStore(client), () => counted);
    const usage = await meter.consume(workspace);
    if (!usage.allowed) {
      throw quotaError('receipts', workspace.plan, usage);
    }
    const kept = await insertReceipt(client, {
      tenantId: workspace.tenantId,
      createdBy: userId,
      receipt,
      attachment: submission.attachment,
    });
    return { receipt: kept, plan: workspace.plan, usage };
  };

  const routes = new Hono<SignedIn>();
  routes.use(requireUser(services));

  routes.get('/', async (c) => {
    const receipts = await inWorkspaceOf(pool, c.var.user, (client) => listReceipts(client));
    return c.json({ receipts });
  });

  routes.post('/', async (c) => {
    const { user } = c.var;
    const counted = countedAt(c.req, config.syntheticKey, now());
    const submission = await readSubmission(c.req);
    const { receipt, plan, usage } = await inWorkspaceOf(pool, user, (client, workspace) =>
      keep(client, workspace, user.id, submission, counted),
    );
    // Only now is the transaction committed: no mail about a receipt that is not there.
    notifier.notify(receiptSaved(user.email, receipt), `receipt-saved/${receipt.id}`);
    if (usage.level === 'exhausted') {
      notifier.notify(
        quotaExhausted(user.email, plan, usage.resetsAt),
        `quota-exhausted/${user.id}/${plan}/${usage.resetsAt.toISOString()}`,
      );
    }
    return c.json({ receipt }, 201);
  });

  routes.get('/:id', async (c) => {
    const id = toId(c.req.param('id'));
    const receipt = await inWorkspaceOf(pool, c.var.user, (client) => findReceipt(client, id));
    if (receipt === undefined) {
      throw notFound();
    }
    return c.json({ receipt });
  });

  routes.get('/:id/file', async (c) => {
    const id = toId(c.req.param('id'));
    const file = await inWorkspaceOf(pool, c.var.user, (client) => findFile(client, id));
    if (file === undefined) {
      throw notFound();
    }
    return c.body(new Uint8Array(file.bytes), 200, {
      'content-type': file.mediaType,
      // RFC 9530: whoever downloads can check that nothing was lost on the way.
      'repr-digest': `sha-256=:${Buffer.from(file.sha256, 'hex').toString('base64')}:`,
      // Never shown as a page of ours, whatever is inside.
      'content-disposition': `attachment; filename*=UTF-8''${encodeURIComponent(file.name)}`,
    });
  });

  routes.patch('/:id', async (c) => {
    const id = toId(c.req.param('id'));
    const receipt = toReceipt(await readJson(c.req), now());
    const changed = await inWorkspaceOf(pool, c.var.user, (client) =>
      updateReceipt(client, id, receipt),
    );
    if (changed === undefined) {
      throw notFound();
    }
    return c.json({ receipt: changed });
  });

  routes.delete('/:id', async (c) => {
    const id = toId(c.req.param('id'));
    const gone = await inWorkspaceOf(pool, c.var.user, (client) => deleteReceipt(client, id));
    if (!gone) {
      throw notFound();
    }
    return c.body(null, 204);
  });

  return routes;
}

function toReceipt(fields: Readonly<Record<string, unknown>>, now: Date): NewReceipt {
  const checked = checkReceipt(toDraft(fields), now);
  if (!checked.ok) {
    throw new ApiError(422, 'invalid', 'Some fields need another look.', {
      fields: checked.error,
    });
  }
  return checked.value;
}

/** What is no id names nothing, so it is answered like any other receipt that is not there. */
function toId(text: string): string {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)) {
    throw notFound();
  }
  return text;
}
