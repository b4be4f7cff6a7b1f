import { isPaidPlan, type PlanId, plans } from '@receipts/core';
import { ConfigError, type Environment } from '@receipts/db/config';

export interface AiSettings {
  readonly apiKey: string;
  readonly baseUrl: string | undefined;
  readonly model: string;
}

export interface EmailSettings {
  /** `Receipts <receipts@example.com>` */
  readonly from: string;
  readonly via:
    | { readonly kind: 'resend'; readonly apiKey: string; readonly baseUrl: string | undefined }
    | { readonly kind: 'smtp'; readonly url: string };
}

export interface PaymentSettings {
  readonly secretKey: string;
  readonly webhookSecret: string;
  readonly apiBase: URL | undefined;
  /** Prices that were set up at Stripe; a plan without one is offered at the price in `plans`. */
  readonly prices: Readonly<Partial<Record<PlanId, string>>>;
}

export interface ErrorSettings {
  readonly dsn: string;
  readonly tracesSampleRate: number;
}

/** The outside services that were set up. What is absent here is not used, and is said to be so. */
export interface VendorConfig {
  readonly ai: AiSettings | undefined;
  readonly email: EmailSettings | undefined;
  readonly payments: PaymentSettings | undefined;
  readonly errors: ErrorSettings | undefined;
  /** Where the web app sends its own errors; browsers see it. */
  readonly webErrors: ErrorSettings | undefined;
}

export function loadVendors(env: Environment): VendorConfig {
  const rate = toRate(env.SENTRY_TRACES_SAMPLE_RATE || '1');
  return {
    ai: toAi(env),
    email: toEmail(env),
    payments: toPayments(env),
    errors: env.SENTRY_DSN
      ? { dsn: toAddress('SENTRY_DSN', env.SENTRY_DSN).href, tracesSampleRate: rate }
      : undefined,
    webErrors: env.SENTRY_DSN_WEB
      ? { dsn: toAddress('SENTRY_DSN_WEB', env.SENTRY_DSN_WEB).href, tracesSampleRate: 0 }
      : undefined,
  };
}

function toAi(env: Environment): AiSettings | undefined {
  if (!env.ANTHROPIC_API_KEY) {
    return undefined;
  }
  return {
    apiKey: env.ANTHROPIC_API_KEY,
    baseUrl: toOptionalAddress('ANTHROPIC_BASE_URL', env.ANTHROPIC_BASE_URL),
    model: env.ANTHROPIC_MODEL || 'claude-haiku-5-5',
  };
}

function toEmail(env: Environment): EmailSettings | undefined {
  const { RESEND_API_KEY: apiKey, SMTP_URL: smtp, EMAIL_FROM: from } = env;
  if (!apiKey && !smtp) {
    return undefined;
  }
  if (apiKey && smtp) {
    throw new ConfigError('RESEND_API_KEY and SMTP_URL are both set: e-mail leaves by one of them');
  }
  if (!from) {
    throw new ConfigError('EMAIL_FROM is not set: e-mail needs a sender');
  }
  if (apiKey) {
    const baseUrl = toOptionalAddress('RESEND_BASE_URL', env.RESEND_BASE_URL);
    return { from, via: { kind: 'resend', apiKey, baseUrl } };
  }
  return { from, via: { kind: 'smtp', url: toSmtp(smtp ?? '') } };
}

function toPayments(env: Environment): PaymentSettings | undefined {
  const { STRIPE_SECRET_KEY: secretKey, STRIPE_WEBHOOK_SECRET: webhookSecret } = env;
  if (!secretKey) {
    return undefined;
  }
  if (!webhookSecret) {
    // Somebody could pay, and nobody would believe the message that says so.
    throw new ConfigError('STRIPE_WEBHOOK_SECRET is not set although STRIPE_SECRET_KEY is');
  }
  const base = env.STRIPE_API_BASE;
  const prices: Partial<Record<PlanId, string>> = {};
  for (const { id } of Object.values(plans).filter((plan) => isPaidPlan(plan.id))) {
    const price = env[`STRIPE_PRICE_${id.toUpperCase()}`];
    if (price) {
      prices[id] = price;
    }
  }
  return {
    secretKey,
    webhookSecret,
    apiBase: base ? toAddress('STRIPE_API_BASE', base) : undefined,
    prices,
  };
}

function toRate(text: string): number {
  const rate = Number(text);
  if (!(rate >= 0 && rate <= 1)) {
    throw new ConfigError(`SENTRY_TRACES_SAMPLE_RATE is no number from 0 to 1: ${text}`);
  }
  return rate;
}

/** The value is not repeated: a DSN or an address may carry a key. */
function toAddress(name: string, text: string): URL {
  if (!URL.canParse(text) || !/^https?:/.test(text)) {
    throw new ConfigError(`${name} is no http or https address`);
  }
  return new URL(text);
}

/** Without the slash at the end, after which clients would write another one. */
function toOptionalAddress(name: string, text: string | undefined): string | undefined {
  return text ? toAddress(name, text).href.replace(/\/+$/, '') : undefined;
}

function toSmtp(text: string): string {
  if (!URL.canParse(text) || !/^smtps?:\/\/[^/]/.test(text)) {
    throw new ConfigError('SMTP_URL is no smtp:// or smtps:// address');
  }
  return text;
}
