import { isPaidPlan } from '@receipts/core';
import { inWorkspaceOf, listSubscriptions, PostgresUsageStore } from '@receipts/db';
import { Meter } from '@receipts/metering';
import { Hono } from 'hono';
import { requireUser, type Services, type SignedIn } from '../context.ts';
import { countedAt } from '../synthetic.ts';

/** Who is signed in, in which workspace, and how much of its quotas is left. */
export function usageRoutes(services: Services): Hono<SignedIn> {
  const { config, now, pool } = services;
  const routes = new Hono<SignedIn>();
  routes.use(requireUser(services));
  routes.get('/', async (c) => {
    const counted = countedAt(c.req, config.syntheticKey, now());
    const answer = await inWorkspaceOf(pool, c.var.user, async (client, workspace) => {
      const store = new PostgresUsageStore(client);
      const subscriptions = await listSubscriptions(client);
      const { name, plan, tenantId } = workspace;
      return {
        workspace: {
          id: tenantId,
          name,
          plan,
          subscribed: subscriptions.some((one) => isPaidPlan(one.plan)),
        },
        usage: await new Meter('receipts', store, () => counted).usage(workspace),
        readings: await new Meter('readings', store, () => counted).usage(workspace),
      };
    });
    return c.json(answer);
  });
  return routes;
}
