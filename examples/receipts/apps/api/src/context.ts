import type { Pool } from '@receipts/db';
import type { EmailTransport } from '@receipts/email';
import { createMiddleware } from 'hono/factory';
import type { Auth, User } from './auth.ts';
import type { Config } from './config.ts';
import { ApiError } from './errors.ts';
import type { Log } from './log.ts';
import type { Notifier } from './notifier.ts';

/** Everything that a route needs from outside, made once at the start. */
export interface Services {
  readonly config: Config;
  readonly pool: Pool;
  readonly auth: Auth;
  readonly email: EmailTransport;
  readonly notifier: Notifier;
  readonly log: Log;
  readonly now: () => Date;
}

export interface SignedIn {
  Variables: { user: User };
}

/** Lets nobody through without a session. */
export const requireUser = (auth: Auth) =>
  createMiddleware<SignedIn>(async (c, next) => {
    const user = await auth.userOf(c.req.raw.headers);
    if (user === undefined) {
      throw new ApiError(401, 'unauthenticated', 'Sign in first.');
    }
    c.set('user', user);
    await next();
  });
