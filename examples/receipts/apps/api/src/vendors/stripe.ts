import { type PlanId, plans } from '@receipts/core';
import type Stripe from 'stripe';
import { type Order, PaymentError, type Payments, SignatureError } from '../payments.ts';
import type { PaymentSettings } from '../vendor-config.ts';
import { toNews } from './stripe-events.ts';

export async function connectStripe(settings: PaymentSettings): Promise<Payments> {
  // Loaded here, so that nobody pays for it who does not use it.
  const { default: StripeClient } = await import('stripe');
  const stripe = new StripeClient(settings.secretKey, {
    ...toAddress(settings.apiBase),
    timeout: 15_000,
    maxNetworkRetries: 2,
    telemetry: false,
    appInfo: { name: 'receipts' },
  });
  const planOf = (priceId: string): PlanId | undefined =>
    Object.values(plans).find(({ id }) => settings.prices[id] === priceId)?.id;

  /** Without the vendor's own text, which may repeat what was sent. */
  const fail = (error: unknown): never => {
    if (error instanceof StripeClient.errors.StripeError) {
      const status = error.statusCode ?? 'nothing';
      throw new PaymentError(`Stripe answered ${status} (${error.type})`, { cause: error });
    }
    throw error;
  };

  return {
    state: 'configured',
    checkout: async (order) => {
      const session = await stripe.checkout.sessions
        .create(toSession(order, settings.prices[order.plan]), {
          idempotencyKey: order.idempotencyKey,
        })
        .catch(fail);
      if (session.url === null) {
        throw new PaymentError(`Stripe made the session ${session.id} without a page`);
      }
      return session.url;
    },
    portal: async (customer, origin) => {
      const session = await stripe.billingPortal.sessions
        .create({ customer, return_url: `${origin}/` })
        .catch(fail);
      return session.url;
    },
    readMessage: async (body, signature) => {
      let event: Stripe.Event;
      try {
        event = await stripe.webhooks.constructEventAsync(body, signature, settings.webhookSecret);
      } catch (error) {
        // Also where the body is no JSON: it is then not Stripe's.
        throw new SignatureError('the message is not signed by Stripe', { cause: error });
      }
      return toNews(event, planOf);
    },
    probe: async () => {
      await stripe.balance.retrieve({}, { timeout: 5_000, maxNetworkRetries: 0 });
    },
  };
}

function toAddress(base: URL | undefined): Pick<Stripe.StripeConfig, 'host' | 'port' | 'protocol'> {
  if (base === undefined) {
    return {};
  }
  const protocol = base.protocol === 'http:' ? 'http' : 'https';
  return { protocol, host: base.hostname, port: base.port || (protocol === 'http' ? 80 : 443) };
}

function toSession(
  { email, origin, plan, tenantId }: Order,
  price: string | undefined,
): Stripe.Checkout.SessionCreateParams {
  const { monthly, name } = plans[plan];
  const metadata = { tenant_id: tenantId, plan };
  return {
    mode: 'subscription',
    client_reference_id: tenantId,
    customer_email: email,
    line_items: [
      {
        quantity: 1,
        ...(price === undefined
          ? {
              price_data: {
                currency: monthly.currency.toLowerCase(),
                unit_amount: monthly.minor,
                recurring: { interval: 'month' },
                product_data: { name: `Receipts ${name}` },
              },
            }
          : { price }),
      },
    ],
    metadata,
    // On the subscription too: what happens to it later says nothing of this session.
    subscription_data: { metadata },
    success_url: `${origin}/?billing=done`,
    cancel_url: `${origin}/?billing=cancelled`,
  };
}
