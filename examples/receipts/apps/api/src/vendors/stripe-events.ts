import { isPaidPlan, isPlanId, type PlanId } from '@receipts/core';
import type { SubscriptionNews } from '@receipts/db';
import type Stripe from 'stripe';

/** Which plan a price of ours at Stripe pays for. */
export type PlanOfPrice = (priceId: string) => PlanId | undefined;

/** With these a subscription still gives what it is for: Stripe tries again before it gives up. */
const live: ReadonlySet<string> = new Set(['active', 'trialing', 'past_due']);

/**
 * What an event says about a subscription of ours. Undefined for other events, and for those of
 * somebody else: a test account may serve several products and environments.
 */
export function toNews(event: Stripe.Event, planOf: PlanOfPrice): SubscriptionNews | undefined {
  if (
    event.type === 'checkout.session.completed' ||
    event.type === 'checkout.session.async_payment_succeeded'
  ) {
    return fromSession(event, event.data.object);
  }
  if (
    event.type === 'customer.subscription.created' ||
    event.type === 'customer.subscription.updated' ||
    event.type === 'customer.subscription.deleted'
  ) {
    return fromSubscription(event, event.data.object, planOf);
  }
  return undefined;
}

function fromSession(
  event: Stripe.Event,
  session: Stripe.Checkout.Session,
): SubscriptionNews | undefined {
  const tenantId = toTenant(session.client_reference_id);
  const plan = toPlan(session.metadata?.plan);
  const subscriptionId = toId(session.subscription);
  const customerId = toId(session.customer);
  // With some ways to pay the money comes days later: until then nothing was bought.
  const paid = session.payment_status !== 'unpaid';
  if (!tenantId || !plan || !subscriptionId || !customerId || !paid) {
    return undefined;
  }
  return { ...facts(event), tenantId, subscriptionId, customerId, plan, status: 'active' };
}

function fromSubscription(
  event: Stripe.Event,
  subscription: Stripe.Subscription,
  planOf: PlanOfPrice,
): SubscriptionNews | undefined {
  const tenantId = toTenant(subscription.metadata.tenant_id);
  const customerId = toId(subscription.customer);
  // The price comes first: it changes with the plan, what we noted at the purchase does not.
  const bought = subscription.items.data.map(({ price }) => planOf(price.id)).find(Boolean);
  const plan = bought ?? toPlan(subscription.metadata.plan);
  if (!tenantId || !plan || !customerId) {
    return undefined;
  }
  return {
    ...facts(event),
    tenantId,
    subscriptionId: subscription.id,
    customerId,
    plan: live.has(subscription.status) ? plan : 'free',
    status: subscription.status,
  };
}

const facts = (event: Stripe.Event) => ({
  eventId: event.id,
  eventType: event.type,
  saidAt: new Date(event.created * 1000),
});

function toTenant(text: string | null | undefined): string | undefined {
  return text && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text) ? text : undefined;
}

function toPlan(text: string | undefined): PlanId | undefined {
  return isPlanId(text) && isPaidPlan(text) ? text : undefined;
}

const toId = (reference: string | { readonly id: string } | null): string | undefined =>
  (typeof reference === 'string' ? reference : reference?.id) || undefined;
