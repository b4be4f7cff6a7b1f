import type { VendorState } from '@receipts/core';
import type { EmailMessage } from './message.ts';

/** How messages leave the house. */
export interface EmailTransport {
  /** Whether a message really leaves. */
  readonly state: VendorState;
  /**
   * `key` names the message: sent again under the same key it reaches its reader once. Throws
   * EmailError where it was not taken.
   */
  send(message: EmailMessage, key: string): Promise<void>;
  /** Throws where the service does not answer, or not to us. */
  probe(): Promise<void>;
}

/** A message was not taken by whoever should carry it. */
export class EmailError extends Error {
  override readonly name = 'EmailError';
  /** Whether the same message may be taken a moment later. */
  readonly passing: boolean;

  constructor(message: string, passing: boolean, options?: ErrorOptions) {
    super(message, options);
    this.passing = passing;
  }
}

/** Writes what would be sent, and says honestly that nothing is. */
export class ConsoleTransport implements EmailTransport {
  readonly state = 'not configured';
  private readonly write: (line: string) => void;

  constructor(write: (line: string) => void) {
    this.write = write;
  }

  send(message: EmailMessage): Promise<void> {
    this.write(`e-mail not sent (no transport): to=${message.to} subject=${message.subject}`);
    return Promise.resolve();
  }

  probe(): Promise<void> {
    return Promise.reject(new Error('E-mail is not configured.'));
  }
}

/** Keeps what was sent, so that a test can look at it. */
export class MemoryTransport implements EmailTransport {
  readonly state = 'configured';
  readonly sent: EmailMessage[] = [];
  readonly keys: string[] = [];

  send(message: EmailMessage, key: string): Promise<void> {
    this.sent.push(message);
    this.keys.push(key);
    return Promise.resolve();
  }

  probe(): Promise<void> {
    return Promise.resolve();
  }
}
