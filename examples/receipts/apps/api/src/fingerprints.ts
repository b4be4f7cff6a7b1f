import { createHmac } from 'node:crypto';
import type { Config } from './config.ts';

/** Long enough that nobody can have prepared a table of answers for it. */
const nonceShape = /^[\w-]{16,128}$/;

export const isNonce = (text: string): boolean => nonceShape.test(text);

/**
 * Lets somebody compare two deployments, or a deployment with what it should have, without seeing a
 * single value: HMAC-SHA256 of each under a nonce of the caller's, in hexadecimal. null: not set.
 */
export function fingerprints(config: Config, nonce: string): Record<string, string | null> {
  const { ai, email, errors, payments } = config.vendors;
  const keyed = (value: string | undefined): string | null =>
    value === undefined ? null : createHmac('sha256', nonce).update(value).digest('hex');
  return {
    database: keyed(config.database),
    authIssuer: keyed(config.appUrl),
    authSecret: keyed(config.authSecret),
    stripeKey: keyed(payments?.secretKey),
    stripeWebhookSecret: keyed(payments?.webhookSecret),
    aiKey: keyed(ai?.apiKey),
    emailKey: keyed(email?.via.kind === 'resend' ? email.via.apiKey : email?.via.url),
    sentryDsn: keyed(errors?.dsn),
  };
}
