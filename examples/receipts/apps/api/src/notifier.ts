import { setTimeout as sleep } from 'node:timers/promises';
import { EmailError, type EmailMessage, type EmailTransport } from '@receipts/email';
import type { Log } from './log.ts';

/** Milliseconds to wait before each further try. */
const pauses = [500, 2_000, 8_000];

/**
 * Sends without making anybody wait: a mail server that is down must not refuse a receipt. What
 * fails for a moment is tried again, under the same key, so that it arrives once.
 */
export class Notifier {
  private readonly transport: EmailTransport;
  private readonly log: Log;
  private readonly wait: (milliseconds: number) => Promise<unknown>;
  private readonly underWay = new Set<Promise<void>>();

  constructor(
    transport: EmailTransport,
    log: Log,
    wait: (milliseconds: number) => Promise<unknown> = (milliseconds) => sleep(milliseconds),
  ) {
    this.transport = transport;
    this.log = log;
    this.wait = wait;
  }

  notify(message: EmailMessage, key: string): void {
    const sending = this.send(message, key)
      .catch((error: unknown) => {
        this.log.error('an e-mail could not be sent', error);
      })
      .finally(() => this.underWay.delete(sending));
    this.underWay.add(sending);
  }

  /** Waits for what is under way. */
  async settle(): Promise<void> {
    await Promise.all(this.underWay);
  }

  private async send(message: EmailMessage, key: string): Promise<void> {
    for (const pause of pauses) {
      try {
        await this.transport.send(message, key);
        return;
      } catch (error) {
        if (!(error instanceof EmailError && error.passing)) {
          throw error;
        }
        await this.wait(pause);
      }
    }
    await this.transport.send(message, key);
  }
}
