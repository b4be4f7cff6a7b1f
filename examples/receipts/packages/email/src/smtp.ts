import { createHash } from 'node:crypto';
import { EmailError, type EmailTransport } from './transport.ts';

export interface SmtpSettings {
  /** `smtp://user:password@host:587` or `smtps://…` */
  readonly url: string;
  /** The sender, such as `Receipts <receipts@example.com>`. */
  readonly from: string;
}

/** Sends through a mail server. */
export async function connectSmtp({ from, url }: SmtpSettings): Promise<EmailTransport> {
  // Loaded here, so that nobody pays for it who does not use it.
  const { createTransport } = await import('nodemailer');
  const transport = createTransport({
    url,
    connectionTimeout: 10_000,
    greetingTimeout: 10_000,
    socketTimeout: 10_000,
  });

  return {
    state: 'configured',
    send: async ({ html, subject, text, to }, key) => {
      try {
        await transport.sendMail({
          from,
          to,
          subject,
          text,
          html,
          messageId: messageId(key, from),
        });
      } catch (error) {
        throw toError(error);
      }
    },
    probe: async () => {
      await transport.verify();
    },
  };
}

/** SMTP knows no repetition: with the same id, mailboxes show a message once that came twice. */
export function messageId(key: string, from: string): string {
  const domain = /@([^\s>]+)/.exec(from)?.[1] ?? 'localhost';
  return `<${createHash('sha256').update(key).digest('hex').slice(0, 32)}@${domain}>`;
}

/** Without the server's own text, which may repeat the address. */
function toError(error: unknown): EmailError {
  const { code, responseCode } = error as { code?: string; responseCode?: number };
  const reason = responseCode ?? code ?? 'unknown reason';
  // The 4xx of SMTP mean "later", its 5xx "never"; without an answer nobody said no.
  const passing = responseCode === undefined || (responseCode >= 400 && responseCode < 500);
  return new EmailError(`the mail server did not take the message: ${reason}`, passing);
}
