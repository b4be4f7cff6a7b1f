import { createHmac, randomUUID } from 'node:crypto';
import { type APIRequestContext, expect, type Page, test } from '@playwright/test';

/** What the app under test is connected with, and the settings that a test then needs. */
const services = {
  ai: ['ANTHROPIC_API_KEY'],
  resend: ['RESEND_API_KEY'],
  smtp: ['SMTP_URL', 'MAILPIT_URL'],
  payments: ['STRIPE_SECRET_KEY', 'STRIPE_WEBHOOK_SECRET'],
  errors: ['SENTRY_DSN_WEB'],
  metering: ['SYNTHETIC_KEY'],
} as const;

type Service = keyof typeof services;

/**
 * Skips the tests of a group, and says why, where the app under test cannot have what they need.
 * Where E2E_REQUIRE names the service (`payments,ai`), they fail instead: a run that is to prove
 * something must not pass because it tried nothing.
 */
export function needs(service: Service): void {
  const required = (process.env.E2E_REQUIRE ?? '').split(/[\s,]+/).filter(Boolean);
  const unknown = required.filter((name) => !Object.hasOwn(services, name));
  if (unknown.length > 0) {
    throw new Error(
      `E2E_REQUIRE names ${unknown.join(', ')}: there is ${Object.keys(services).join(', ')}`,
    );
  }
  test.beforeEach(() => {
    const missing = services[service].filter((name) => !process.env[name]);
    if (required.includes(service)) {
      expect(missing, `settings without which ${service} is not tried`).toEqual([]);
    }
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

/** Pays on the page of Checkout where it can be clicked: at a stand-in for Stripe. Answers whether it did. */
export async function paysOnThePage(page: Page): Promise<boolean> {
  const base = setting('STRIPE_API_BASE');
  if (!base || new URL(page.url()).origin !== new URL(base).origin) {
    return false;
  }
  const subscribe = page.getByRole('button', { name: 'Subscribe' });
  await page.waitForLoadState();
  if (!(await subscribe.isVisible())) {
    return false;
  }
  await page.getByLabel('Card number').fill('4242 4242 4242 4242');
  await subscribe.click();
  return true;
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
