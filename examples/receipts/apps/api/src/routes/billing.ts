import { isPaidPlan, isPlanId, type PlanId, plans } from '@receipts/core';
import { handleNews, inTenant, inWorkspaceOf, listSubscriptions } from '@receipts/db';
import { type Context, Hono } from 'hono';
import { requireUser, type Services, type SignedIn } from '../context.ts';
import { ApiError, notConfigured } from '../errors.ts';
import { ownOrigins } from '../origins.ts';
import { PaymentError, SignatureError } from '../payments.ts';
import { readJson } from '../submission.ts';

/** Buying a larger plan, and what the payment provider tells us about it. */
export function billingRoutes(services: Services): Hono<SignedIn> {
  const { config, log, now, payments, pool } = services;

  /** The address that the person came by: a deployment may have several. */
  const originOf = (c: Context): string => {
    const origin = c.req.header('origin');
    return origin !== undefined && ownOrigins(c.req.raw).includes(origin) ? origin : config.appUrl;
  };

  const failed = (error: unknown): never => {
    if (error instanceof PaymentError) {
      log.error('a payment page could not be made', error);
      throw new ApiError(502, 'payment_failed', 'The payment page cannot be reached. Try again.');
    }
    throw error;
  };

  const routes = new Hono<SignedIn>();

  // Stripe has no session: its signature is what counts.
  routes.post('/webhook', async (c) => {
    const news = await payments
      .readMessage(await c.req.text(), c.req.header('stripe-signature') ?? '')
      .catch((error: unknown) => {
        if (error instanceof SignatureError) {
          throw new ApiError(400, 'bad_signature', 'The message is not signed as agreed.');
        }
        throw error;
      });
    if (news === undefined) {
      return c.json({ received: true, handling: 'ignored' });
    }
    const handling = await inTenant(pool, news.tenantId, (client) => handleNews(client, news));
    log.info('billing', { event: news.eventId, type: news.eventType, handling });
    return c.json({ received: true, handling: handling ?? 'ignored' });
  });

  routes.use(requireUser(services));

  routes.post('/checkout', async (c) => {
    if (payments.state === 'not configured') {
      throw notConfigured('payments', 'Paying');
    }
    const { plan } = await readJson(c.req);
    if (!isPlanId(plan) || !isPaidPlan(plan)) {
      throw new ApiError(422, 'invalid', 'Choose one of the paid plans.');
    }
    const { user } = c.var;
    const tenantId = await inWorkspaceOf(pool, user, async (client, workspace) => {
      const paying = (await listSubscriptions(client)).some((one) => isPaidPlan(one.plan));
      checkOrder(plan, workspace.plan, paying);
      return workspace.tenantId;
    });
    const minute = Math.floor(now().getTime() / 60_000);
    const origin = originOf(c);
    const url = await payments
      .checkout({
        tenantId,
        plan,
        email: user.email,
        origin,
        // Stripe takes a key again only with the same words, so what differs is part of it.
        idempotencyKey: `checkout/${tenantId}/${plan}/${minute}/${origin}`,
      })
      .catch(failed);
    return c.json({ url });
  });

  routes.post('/portal', async (c) => {
    if (payments.state === 'not configured') {
      throw notConfigured('payments', 'Paying');
    }
    const subscriptions = await inWorkspaceOf(pool, c.var.user, (client) =>
      listSubscriptions(client),
    );
    const newest = subscriptions.find((one) => isPaidPlan(one.plan)) ?? subscriptions[0];
    if (newest === undefined) {
      throw new ApiError(409, 'no_subscription', 'There is no subscription yet.');
    }
    const url = await payments.portal(newest.customerId, originOf(c)).catch(failed);
    return c.json({ url });
  });

  return routes;
}

function checkOrder(wanted: PlanId, current: PlanId, paying: boolean): void {
  if (paying) {
    // A second subscription would be paid beside the first.
    throw new ApiError(409, 'already_subscribed', 'Change the plan of your subscription instead.');
  }
  if (plans[wanted].receiptsPerMonth <= plans[current].receiptsPerMonth) {
    throw new ApiError(409, 'not_larger', 'Your plan is at least as large already.');
  }
}
