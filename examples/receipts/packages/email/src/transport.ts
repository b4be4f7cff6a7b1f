import type { EmailMessage } from './message.ts';

/** How messages leave the house. */
export interface EmailTransport {
  /** Shown on /health: whether a message really reaches its reader. */
  readonly status: 'ok' | 'not configured';
  send(message: EmailMessage): Promise<void>;
}

/** Writes what would be sent, and says honestly that nothing is. */
export class ConsoleTransport implements EmailTransport {
  readonly status = 'not configured';
  private readonly write: (line: string) => void;

  constructor(write: (line: string) => void) {
    this.write = write;
  }

  send(message: EmailMessage): Promise<void> {
    this.write(`e-mail not sent (no transport): to=${message.to} subject=${message.subject}`);
    return Promise.resolve();
  }
}

/** Keeps what was sent, so that a test can look at it. */
export class MemoryTransport implements EmailTransport {
  readonly status = 'ok';
  readonly sent: EmailMessage[] = [];

  send(message: EmailMessage): Promise<void> {
    this.sent.push(message);
    return Promise.resolve();
  }
}
