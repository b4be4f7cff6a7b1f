import { ConsoleTransport, connectResend, connectSmtp, type EmailTransport } from '@receipts/email';
import { type Extractor, noExtractor } from '../extractor.ts';
import { noPayments, type Payments } from '../payments.ts';
import type { EmailSettings, VendorConfig } from '../vendor-config.ts';
import { connectAnthropic } from './anthropic.ts';
import { connectStripe } from './stripe.ts';

export interface Vendors {
  readonly email: EmailTransport;
  readonly extractor: Extractor;
  readonly payments: Payments;
}

/** Connects what was set up; the rest says that it was not. Nothing is asked of anybody yet. */
export async function connectVendors(
  { ai, email, payments }: VendorConfig,
  write: (line: string) => void,
): Promise<Vendors> {
  return {
    email: email === undefined ? new ConsoleTransport(write) : await connectEmail(email),
    extractor: ai === undefined ? noExtractor : await connectAnthropic(ai),
    payments: payments === undefined ? noPayments : await connectStripe(payments),
  };
}

function connectEmail({ from, via }: EmailSettings): Promise<EmailTransport> {
  return via.kind === 'resend' ? connectResend({ from, ...via }) : connectSmtp({ from, ...via });
}
