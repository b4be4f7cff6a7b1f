import { isPlanId, type PlanId, plans } from '@receipts/core';
import type { Client } from './pool.ts';

export interface Subscription {
  readonly subscriptionId: string;
  readonly customerId: string;
  /** The plan that is paid for; `free` where nothing is, or is no longer. */
  readonly plan: PlanId;
  readonly status: string;
  readonly saidAt: Date;
}

/** What the payment provider says about a subscription. */
export interface SubscriptionNews extends Subscription {
  readonly eventId: string;
  readonly eventType: string;
  readonly tenantId: string;
}

/** `duplicate`: handled before. `outdated`: newer news is known already. Both change nothing. */
export type Handling = 'applied' | 'duplicate' | 'outdated';

/** All of a tenant's, the newest first. */
export async function listSubscriptions(client: Client): Promise<Subscription[]> {
  const { rows } = await client.query<{
    subscription_id: string;
    customer_id: string;
    plan: string;
    status: string;
    said_at: Date;
  }>(
    `select subscription_id, customer_id, plan, status, said_at from subscriptions
      order by said_at desc, subscription_id`,
  );
  return rows.map((row) => {
    if (!isPlanId(row.plan)) {
      throw new Error(`Subscription ${row.subscription_id} has the unknown plan ${row.plan}.`);
    }
    return {
      subscriptionId: row.subscription_id,
      customerId: row.customer_id,
      plan: row.plan,
      status: row.status,
      saidAt: row.said_at,
    };
  });
}

/** Takes over the news once, in whatever order and however often it comes. */
export async function handleNews(client: Client, news: SubscriptionNews): Promise<Handling> {
  // The events of a tenant take turns, or two of them could both find the older state.
  await client.query('select 1 from tenants where id = $1 for update', [news.tenantId]);
  const { rowCount } = await client.query(
    `insert into billing_events (tenant_id, id, type, said_at) values ($1, $2, $3, $4)
     on conflict do nothing`,
    [news.tenantId, news.eventId, news.eventType, news.saidAt],
  );
  if (rowCount === 0) {
    return 'duplicate';
  }
  const known = await listSubscriptions(client);
  const before = known.find(({ subscriptionId }) => subscriptionId === news.subscriptionId);
  if (before !== undefined && isOutdated(news, before)) {
    return 'outdated';
  }
  await client.query(
    `insert into subscriptions (tenant_id, subscription_id, customer_id, plan, status, said_at)
     values ($1, $2, $3, $4, $5, $6)
     on conflict (tenant_id, subscription_id) do update
       set customer_id = excluded.customer_id, plan = excluded.plan, status = excluded.status,
           said_at = excluded.said_at, updated_at = now()`,
    [news.tenantId, news.subscriptionId, news.customerId, news.plan, news.status, news.saidAt],
  );
  const plan = largestPlan([...known.filter((other) => other !== before), news]);
  await client.query('update tenants set plan = $2 where id = $1', [news.tenantId, plan]);
  return 'applied';
}

/** The provider promises no order, and its clock has whole seconds. */
export function isOutdated(news: Subscription, known: Subscription): boolean {
  // What was cancelled never lives again, and none is incomplete but at its beginning: of two in
  // one second the end is the later one, and the beginning the earlier.
  const endedBefore = known.status === 'canceled' && news.status !== 'canceled';
  const begunBefore = news.status === 'incomplete' && known.status !== 'incomplete';
  return news.saidAt < known.saidAt || endedBefore || begunBefore;
}

/** What a tenant may use: the end of one subscription does not take what another one pays for. */
export function largestPlan(subscriptions: readonly Pick<Subscription, 'plan'>[]): PlanId {
  return subscriptions.reduce<PlanId>(
    (largest, { plan }) =>
      plans[plan].receiptsPerMonth > plans[largest].receiptsPerMonth ? plan : largest,
    'free',
  );
}
