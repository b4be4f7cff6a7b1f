import type { Pool } from '@receipts/db';
import { type EmailTransport, welcome } from '@receipts/email';
import { createAuth } from './auth.ts';
import type { Config } from './config.ts';
import type { Services } from './context.ts';
import type { ErrorReports } from './error-reports.ts';
import type { Extractor } from './extractor.ts';
import type { Log } from './log.ts';
import { Notifier } from './notifier.ts';
import type { Payments } from './payments.ts';
import { Reader } from './reading.ts';

/** All that reaches beyond this process. */
export interface Outside {
  readonly config: Config;
  readonly pool: Pool;
  readonly email: EmailTransport;
  readonly extractor: Extractor;
  readonly payments: Payments;
  readonly errors: ErrorReports;
  readonly log: Log;
  readonly now: () => Date;
}

export function createServices(outside: Outside): Services {
  const notifier = new Notifier(outside.email, outside.log);
  const auth = createAuth({
    pool: outside.pool,
    config: outside.config,
    log: outside.log,
    onSignUp: (user) => {
      notifier.notify(welcome(user.email, user.name), `welcome/${user.id}`);
    },
  });
  return { ...outside, auth, notifier, reader: new Reader(outside) };
}
