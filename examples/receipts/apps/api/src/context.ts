import { createMiddleware } from 'hono/factory';
import type { Auth, User } from './auth.ts';
import { ApiError } from './errors.ts';
import type { Notifier } from './notifier.ts';
import type { Reader } from './reading.ts';
import type { Outside } from './services.ts';

/** Everything that a route needs, made once at the start. */
export interface Services extends Outside {
  readonly auth: Auth;
  readonly notifier: Notifier;
  readonly reader: Reader;
}

export interface SignedIn {
  Variables: { user: User };
}

/** Lets nobody through without a session. */
export const requireUser = ({ auth, errors }: Pick<Services, 'auth' | 'errors'>) =>
  createMiddleware<SignedIn>(async (c, next) => {
    const user = await auth.userOf(c.req.raw.headers);
    if (user === undefined) {
      throw new ApiError(401, 'unauthenticated', 'Sign in first.');
    }
    errors.noteUser(user.id);
    c.set('user', user);
    await next();
  });
