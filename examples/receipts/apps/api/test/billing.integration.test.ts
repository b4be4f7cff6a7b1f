import { createHmac } from 'node:crypto';
import { plans } from '@receipts/core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { connectStripe } from '../src/vendors/stripe.ts';
import { createTestApp, origin, type TestApp, type TestUser } from './support.ts';
import { type Answer, VendorServer } from './vendor-server.ts';

const webhookSecret = 'whsec_of-the-tests';

const page: Answer = {
  status: 200,
  body: { id: 'cs_test_1', object: 'checkout.session', url: 'https://checkout.example.test/1' },
};

interface Said {
  readonly id?: string;
  readonly type?: string;
  readonly plan?: string;
  readonly status?: string;
  readonly price?: string;
  readonly subscription?: string;
  /** Seconds after the first thing that was said. */
  readonly after?: number;
}

describe('billing', () => {
  let vendor: VendorServer;
  let test: TestApp;
  let events = 0;

  beforeAll(async () => {
    vendor = await VendorServer.start(() => page);
    test = createTestApp({
      payments: await connectStripe({
        secretKey: 'sk_test_x',
        webhookSecret,
        apiBase: new URL(vendor.url),
        prices: { business: 'price_business' },
      }),
    });
  });

  beforeEach(() => {
    vendor.answer = () => page;
    vendor.received.length = 0;
  });

  afterAll(async () => {
    await test.close();
    await vendor.close();
  });

  const created = 1_795_608_000;

  const event = (tenantId: string, said: Said = {}) => {
    const type = said.type ?? 'customer.subscription.updated';
    const subscription = said.subscription ?? 'sub_1';
    events += 1;
    return {
      id: said.id ?? `evt_${events}`,
      object: 'event',
      type,
      created: created + (said.after ?? 0),
      data: {
        object: type.startsWith('checkout')
          ? {
              id: 'cs_test_1',
              object: 'checkout.session',
              client_reference_id: tenantId,
              customer: 'cus_1',
              subscription,
              payment_status: said.status ?? 'paid',
              metadata: { tenant_id: tenantId, plan: said.plan ?? 'pro' },
            }
          : {
              id: subscription,
              object: 'subscription',
              customer: 'cus_1',
              status: said.status ?? 'active',
              metadata: { tenant_id: tenantId, plan: said.plan ?? 'pro' },
              items: { object: 'list', data: [{ price: { id: said.price ?? 'price_other' } }] },
            },
      },
    };
  };

  const post = (body: string, secret = webhookSecret, at = Date.now()): Promise<Response> => {
    const seconds = Math.floor(at / 1000);
    const signature = createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex');
    return Promise.resolve(
      test.app.request(`${origin}/api/billing/webhook`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'stripe-signature': `t=${seconds},v1=${signature}`,
        },
        body,
      }),
    );
  };

  const tell = async (tenantId: string, said: Said = {}): Promise<unknown> => {
    const response = await post(JSON.stringify(event(tenantId, said)));
    expect(response.status).toBe(200);
    const { handling } = (await response.json()) as { handling: unknown };
    return handling;
  };

  const planOf = async (user: TestUser): Promise<string> => {
    const { workspace } = (await (await user.request('/api/usage')).json()) as {
      workspace: { plan: string };
    };
    return workspace.plan;
  };

  const newTenant = async (): Promise<{ user: TestUser; tenantId: string }> => {
    const user = await test.signUp();
    return { user, tenantId: await test.tenantOf(user) };
  };

  it('leads to a page of Stripe, for the tenant and the plan, and back again', async () => {
    const { user, tenantId } = await newTenant();
    const response = await user.post('/api/billing/checkout', { plan: 'pro' });
    expect(await response.json()).toEqual({ url: 'https://checkout.example.test/1' });
    expect(vendor.last).toMatchObject({
      method: 'POST',
      path: '/v1/checkout/sessions',
      headers: { authorization: 'Bearer sk_test_x' },
    });
    expect(Object.fromEntries(new URLSearchParams(vendor.last.body))).toMatchObject({
      mode: 'subscription',
      client_reference_id: tenantId,
      customer_email: user.email,
      'line_items[0][price_data][unit_amount]': String(plans.pro.monthly.minor),
      'line_items[0][price_data][currency]': 'eur',
      'metadata[plan]': 'pro',
      'subscription_data[metadata][tenant_id]': tenantId,
      'subscription_data[metadata][plan]': 'pro',
      success_url: `${origin}/?billing=done`,
      cancel_url: `${origin}/?billing=cancelled`,
    });
  });

  it('takes the price that was set up, where one was', async () => {
    const { user } = await newTenant();
    await user.post('/api/billing/checkout', { plan: 'business' });
    const sent = Object.fromEntries(new URLSearchParams(vendor.last.body));
    expect(sent).toHaveProperty(['line_items[0][price]'], 'price_business');
    expect(vendor.last.body).not.toContain('price_data');
  });

  it('makes one purchase of two clicks', async () => {
    const { user } = await newTenant();
    await Promise.all([
      user.post('/api/billing/checkout', { plan: 'pro' }),
      user.post('/api/billing/checkout', { plan: 'pro' }),
    ]);
    const keys = vendor.received.map(({ headers }) => headers['idempotency-key']);
    expect(keys).toHaveLength(2);
    expect(keys[0]).toMatch(/^checkout\//);
    expect(keys[1]).toBe(keys[0]);
  });

  it.each([['free'], ['gold'], [7]])('does not sell the plan %j', async (plan) => {
    const { user } = await newTenant();
    expect((await user.post('/api/billing/checkout', { plan })).status).toBe(422);
    expect(vendor.received).toEqual([]);
  });

  it('lifts the quota when Stripe says that it was paid, and not before', async () => {
    const { user, tenantId } = await newTenant();
    const pending = { type: 'checkout.session.completed', status: 'unpaid' };
    expect(await tell(tenantId, pending)).toBe('ignored');
    expect(await planOf(user)).toBe('free');
    expect(await tell(tenantId, { type: 'checkout.session.completed' })).toBe('applied');
    expect(await (await user.request('/api/usage')).json()).toMatchObject({
      workspace: { plan: 'pro', subscribed: true },
      usage: { limit: plans.pro.receiptsPerMonth },
      readings: { limit: plans.pro.readingsPerMonth },
    });
  });

  it('handles an event once, also when it comes twice at once', async () => {
    const { user, tenantId } = await newTenant();
    const body = JSON.stringify(event(tenantId));
    const answers = await Promise.all(
      [1, 2, 3].map(async (): Promise<unknown> => (await post(body)).json()),
    );
    const handlings = answers.map((answer) => (answer as { handling: string }).handling);
    expect(handlings.sort()).toEqual(['applied', 'duplicate', 'duplicate']);
    expect(await planOf(user)).toBe('pro');
  });

  it('ends with the newest state, whatever comes first', async () => {
    const { user, tenantId } = await newTenant();
    const ended = { type: 'customer.subscription.deleted', status: 'canceled' };
    expect(await tell(tenantId, { ...ended, after: 60 })).toBe('applied');
    expect(await tell(tenantId, { type: 'checkout.session.completed' })).toBe('outdated');
    expect(await planOf(user)).toBe('free');
  });

  it('keeps the plan when the beginning is told after the payment, within one second', async () => {
    const { user, tenantId } = await newTenant();
    const begun = { type: 'customer.subscription.created', status: 'incomplete' };
    expect(await tell(tenantId)).toBe('applied');
    expect(await tell(tenantId, begun)).toBe('outdated');
    expect(await tell(tenantId, { type: 'checkout.session.completed' })).toBe('applied');
    expect(await tell(tenantId, begun)).toBe('outdated');
    expect(await planOf(user)).toBe('pro');
  });

  it('takes nothing for paid that is only begun', async () => {
    const { user, tenantId } = await newTenant();
    const begun = { type: 'customer.subscription.created', status: 'incomplete' };
    expect(await tell(tenantId, begun)).toBe('applied');
    expect(await planOf(user)).toBe('free');
    expect(await tell(tenantId)).toBe('applied');
    expect(await planOf(user)).toBe('pro');
  });

  it('keeps what one subscription pays for when another one ends', async () => {
    const { user, tenantId } = await newTenant();
    await tell(tenantId, { subscription: 'sub_old' });
    await tell(tenantId, { subscription: 'sub_new', price: 'price_business', after: 10 });
    expect(await planOf(user)).toBe('business');
    const ended = { type: 'customer.subscription.deleted', status: 'canceled', after: 20 };
    await tell(tenantId, { ...ended, subscription: 'sub_old' });
    expect(await planOf(user)).toBe('business');
    await tell(tenantId, { ...ended, subscription: 'sub_new' });
    expect(await planOf(user)).toBe('free');
  });

  it.each([
    ['past_due', 'pro'],
    ['trialing', 'pro'],
    ['unpaid', 'free'],
    ['incomplete_expired', 'free'],
  ])('takes a subscription that is %s for %s', async (status, plan) => {
    const { user, tenantId } = await newTenant();
    await tell(tenantId, { status });
    expect(await planOf(user)).toBe(plan);
  });

  it('does not sell a second subscription, and leads to the first', async () => {
    const { user, tenantId } = await newTenant();
    expect((await user.post('/api/billing/portal', {})).status).toBe(409);
    await tell(tenantId);
    const refused = await user.post('/api/billing/checkout', { plan: 'business' });
    expect(refused.status).toBe(409);
    expect(await refused.json()).toMatchObject({ error: { code: 'already_subscribed' } });
    vendor.answer = () => ({
      status: 200,
      body: { id: 'bps_1', url: 'https://billing.example.test/1' },
    });
    const portal = await user.post('/api/billing/portal', {});
    expect(await portal.json()).toEqual({ url: 'https://billing.example.test/1' });
    expect(vendor.last.path).toBe('/v1/billing_portal/sessions');
    expect(new URLSearchParams(vendor.last.body).get('customer')).toBe('cus_1');
  });

  it('believes nothing that is not signed, or was signed long ago', async () => {
    const { user, tenantId } = await newTenant();
    const body = JSON.stringify(event(tenantId));
    expect((await post(body, 'whsec_of-somebody-else')).status).toBe(400);
    expect((await post(body, webhookSecret, Date.now() - 3_600_000)).status).toBe(400);
    const unsigned = await test.app.request(`${origin}/api/billing/webhook`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    expect(unsigned.status).toBe(400);
    expect(await planOf(user)).toBe('free');
  });

  it('lets go of what is about somebody else, or nothing of ours', async () => {
    expect(await tell(crypto.randomUUID())).toBe('ignored');
    expect(await tell('a-customer-of-another-product')).toBe('ignored');
    const { tenantId } = await newTenant();
    expect(await tell(tenantId, { type: 'customer.subscription.paused' })).toBe('ignored');
  });

  it('tells of an outage at Stripe and keeps the plan', async () => {
    const { user } = await newTenant();
    const body = { error: { type: 'api_error', message: 'Down.' } };
    const headers = { 'stripe-should-retry': 'false' };
    vendor.answer = () => ({ status: 500, body, headers });
    expect((await user.post('/api/billing/checkout', { plan: 'pro' })).status).toBe(502);
    expect(await planOf(user)).toBe('free');
  });

  it('asks for the balance when asked whether Stripe is there', async () => {
    vendor.answer = () => ({ status: 200, body: { object: 'balance', livemode: false } });
    const response = await test.app.request(`${origin}/health/payments`);
    expect(await response.json()).toEqual({ component: 'payments', state: 'reachable' });
    expect(vendor.last).toMatchObject({ method: 'GET', path: '/v1/balance' });
  });

  it('says that it is not configured where it is not', async () => {
    const bare = createTestApp();
    const user = await bare.signUp();
    for (const path of ['checkout', 'portal', 'webhook']) {
      const response = await user.post(`/api/billing/${path}`, { plan: 'pro' });
      expect(response.status).toBe(503);
      expect(await response.json()).toMatchObject({ error: { code: 'not_configured' } });
    }
    await bare.close();
  });
});
