import { inWorkspaceOf, PostgresUsageStore } from '@receipts/db';
import { ReceiptMeter } from '@receipts/metering';
import { Hono } from 'hono';
import { requireUser, type Services, type SignedIn } from '../context.ts';

/** Who is signed in, in which workspace, and how much of its quota is left. */
export function usageRoutes({ auth, now, pool }: Services): Hono<SignedIn> {
  const routes = new Hono<SignedIn>();
  routes.use(requireUser(auth));
  routes.get('/', async (c) => {
    const answer = await inWorkspaceOf(pool, c.var.user, async (client, workspace) => {
      const meter = new ReceiptMeter(new PostgresUsageStore(client), now);
      const { name, plan } = workspace;
      return { workspace: { name, plan }, usage: await meter.usage(workspace) };
    });
    return c.json(answer);
  });
  return routes;
}
