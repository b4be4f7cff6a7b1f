import { EmailError, type EmailTransport } from './transport.ts';

export interface ResendSettings {
  readonly apiKey: string;
  readonly baseUrl: string | undefined;
  /** The sender, such as `Receipts <receipts@example.com>`. */
  readonly from: string;
}

/** The same message may be taken later; a quota that is used up is none of these. */
const passing: ReadonlySet<string> = new Set([
  'application_error',
  'concurrent_idempotent_requests',
  'internal_server_error',
  'rate_limit_exceeded',
  'service_unavailable',
]);

/** Sends through the API of Resend. */
export async function connectResend({
  apiKey,
  baseUrl,
  from,
}: ResendSettings): Promise<EmailTransport> {
  // Loaded here, so that nobody pays for it who does not use it.
  const { Resend } = await import('resend');
  const resend = new Resend(apiKey, baseUrl === undefined ? {} : { baseUrl });

  return {
    state: 'configured',
    send: async ({ html, subject, text, to }, idempotencyKey) => {
      const { error } = await resend.emails.send(
        { from, to, subject, text, html },
        { idempotencyKey, signal: AbortSignal.timeout(10_000) },
      );
      if (error !== null) {
        throw toError(error);
      }
    },
    probe: async () => {
      const { error } = await resend.emails.list({ limit: 1 });
      // A key that may only send is a key that Resend knows.
      if (error !== null && error.name !== 'restricted_api_key') {
        throw toError(error);
      }
    },
  };
}

/** Without the vendor's own text, which may repeat the address. */
function toError(error: {
  readonly name: string;
  readonly statusCode?: number | null;
}): EmailError {
  const status = error.statusCode ?? 'no';
  return new EmailError(
    `Resend did not take the message: ${error.name} (status ${status})`,
    passing.has(error.name),
  );
}
