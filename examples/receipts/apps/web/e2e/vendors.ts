import { createHmac, randomUUID } from 'node:crypto';
import { type APIRequestContext, expect, test } from '@playwright/test';

/** Skips the tests of a group, and says why, where the app under test cannot have what they need. */
export function needs(...names: readonly string[]): void {
  test.beforeEach(() => {
    const missing = names.filter((name) => !process.env[name]);
    test.info().skip(missing.length > 0, `not set: ${missing.join(', ')}`);
  });
}

export const setting = (name: string): string => process.env[name] ?? '';

/** How far a message to this address has come, as Resend says; undefined before it was taken. */
export async function deliveryOf(
  request: APIRequestContext,
  address: string,
  subject: string,
): Promise<string | undefined> {
  const base = setting('RESEND_BASE_URL') || 'https://api.resend.com';
  const answer = await request.get(`${base}/emails?limit=100`, {
    headers: { authorization: `Bearer ${setting('RESEND_API_KEY')}` },
  });
  expect(answer.status()).toBe(200);
  const { data } = (await answer.json()) as {
    data: readonly { to: readonly string[]; subject: string; last_event: string }[];
  };
  return data.find((mail) => mail.to.includes(address) && mail.subject === subject)?.last_event;
}

/** Whether a message to this address is in the inbox of Mailpit. */
export async function isInMailpit(
  request: APIRequestContext,
  address: string,
  subject: string,
): Promise<boolean> {
  const query = encodeURIComponent(`to:"${address}" subject:"${subject}"`);
  const answer = await request.get(`${setting('MAILPIT_URL')}/api/v1/search?query=${query}`);
  const { messages } = (await answer.json()) as { messages: readonly unknown[] };
  return messages.length > 0;
}

/** Tells the app what Stripe tells it when a tenant has paid. */
export async function tellOfPurchase(
  request: APIRequestContext,
  tenantId: string,
  plan: string,
): Promise<void> {
  const now = Math.floor(Date.now() / 1000);
  const body = JSON.stringify({
    id: `evt_${randomUUID()}`,
    object: 'event',
    type: 'checkout.session.completed',
    created: now,
    data: {
      object: {
        id: `cs_${randomUUID()}`,
        object: 'checkout.session',
        client_reference_id: tenantId,
        customer: `cus_${randomUUID()}`,
        subscription: `sub_${randomUUID()}`,
        payment_status: 'paid',
        metadata: { tenant_id: tenantId, plan },
      },
    },
  });
  const key = setting('STRIPE_WEBHOOK_SECRET');
  const signature = createHmac('sha256', key).update(`${now}.${body}`).digest('hex');
  const answer = await request.post('/api/billing/webhook', {
    headers: {
      'content-type': 'application/json',
      'stripe-signature': `t=${now},v1=${signature}`,
    },
    data: body,
  });
  expect(await answer.json()).toEqual({ received: true, handling: 'applied' });
}
