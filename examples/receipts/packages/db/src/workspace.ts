import { isPlanId, type PlanId } from '@receipts/core';
import { type Client, type Pool, transaction } from './pool.ts';

/** Who is asking. */
export interface Person {
  readonly id: string;
  readonly name: string;
}

/** A tenant, as the application sees it. */
export interface Workspace {
  readonly tenantId: string;
  readonly name: string;
  readonly plan: PlanId;
}

/**
 * Runs the work in one transaction in which row-level security shows the person's own tenant and
 * nothing else. Both settings end with the transaction, so a pooled connection carries nothing on.
 */
export function inWorkspaceOf<T>(
  pool: Pool,
  person: Person,
  work: (client: Client, workspace: Workspace) => Promise<T>,
): Promise<T> {
  return transaction(pool, async (client) => {
    await client.query("select set_config('app.user_id', $1, true)", [person.id]);
    const tenantId = (await tenantOf(client, person)) ?? (await createTenant(client, person));
    await enterTenant(client, tenantId);
    return work(client, await readWorkspace(client, tenantId));
  });
}

/**
 * The same for a tenant that somebody else vouches for, such as a signed message from the payment
 * provider. Undefined, and no work done, where there is no such tenant.
 */
export function inTenant<T>(
  pool: Pool,
  tenantId: string,
  work: (client: Client) => Promise<T>,
): Promise<T | undefined> {
  return transaction(pool, async (client) => {
    await enterTenant(client, tenantId);
    const { rowCount } = await client.query('select 1 from tenants where id = $1', [tenantId]);
    return rowCount === 1 ? work(client) : undefined;
  });
}

async function enterTenant(client: Client, tenantId: string): Promise<void> {
  await client.query("select set_config('app.tenant_id', $1, true)", [tenantId]);
}

async function tenantOf(client: Client, person: Person): Promise<string | undefined> {
  const { rows } = await client.query<{ tenant_id: string }>(
    'select tenant_id from memberships where user_id = $1 order by created_at, tenant_id limit 1',
    [person.id],
  );
  return rows[0]?.tenant_id;
}

/**
 * Made at the first request rather than at sign-up: a crash in between can then not leave a person
 * without a workspace. The lock keeps two first requests from making two.
 */
async function createTenant(client: Client, person: Person): Promise<string> {
  await client.query("select pg_advisory_xact_lock(hashtextextended('workspace:' || $1, 0))", [
    person.id,
  ]);
  const existing = await tenantOf(client, person);
  if (existing !== undefined) {
    return existing;
  }
  const tenantId = crypto.randomUUID();
  await enterTenant(client, tenantId);
  await client.query('insert into tenants (id, name) values ($1, $2)', [
    tenantId,
    person.name === '' ? 'My workspace' : `${person.name.slice(0, 100)}'s workspace`,
  ]);
  await client.query('insert into memberships (tenant_id, user_id) values ($1, $2)', [
    tenantId,
    person.id,
  ]);
  return tenantId;
}

async function readWorkspace(client: Client, tenantId: string): Promise<Workspace> {
  const { rows } = await client.query<{ name: string; plan: string }>(
    'select name, plan from tenants where id = $1',
    [tenantId],
  );
  const tenant = rows[0];
  if (tenant === undefined || !isPlanId(tenant.plan)) {
    throw new Error(`Tenant ${tenantId} is gone or has an unknown plan.`);
  }
  return { tenantId, name: tenant.name, plan: tenant.plan };
}
