import type { EmailMessage, EmailTransport } from '@receipts/email';
import type { Log } from './log.ts';

/** Sends without making anybody wait: a mail server that is down must not refuse a receipt. */
export class Notifier {
  private readonly transport: EmailTransport;
  private readonly log: Log;

  constructor(transport: EmailTransport, log: Log) {
    this.transport = transport;
    this.log = log;
  }

  notify(message: EmailMessage): void {
    this.transport.send(message).catch((error: unknown) => {
      this.log.error('an e-mail could not be sent', error);
    });
  }
}
