import type { Pool } from '@receipts/db';
import { betterAuth } from 'better-auth';
import { clientAddressHeader } from './client-address.ts';
import type { Config } from './config.ts';
import type { Log } from './log.ts';
import { ownOrigins } from './origins.ts';

/** The signed-in person. */
export interface User {
  readonly id: string;
  readonly name: string;
  readonly email: string;
}

/** All that the rest of the API knows about the auth library. */
export interface Auth {
  /** Answers everything under /api/auth. */
  handle(request: Request): Promise<Response>;
  userOf(headers: Headers): Promise<User | undefined>;
}

export interface AuthDependencies {
  readonly pool: Pool;
  readonly config: Config;
  readonly log: Log;
  readonly onSignUp: (user: User) => void;
}

export function createAuth({ pool, config, log, onSignUp }: AuthDependencies): Auth {
  const auth = betterAuth({
    appName: 'Receipts',
    baseURL: config.appUrl,
    basePath: '/api/auth',
    secret: config.authSecret,
    database: pool,
    telemetry: { enabled: false },
    logger: {
      log: (level, message) => {
        log.info(`auth: ${message}`, { level });
      },
    },
    trustedOrigins: (request) => (request === undefined ? [] : ownOrigins(request)),
    emailAndPassword: { enabled: true, minPasswordLength: 10 },
    rateLimit: {
      enabled: config.production,
      customRules: {
        '/sign-up/email': { window: 60, max: 60 },
        '/sign-in/email': { window: 60, max: 20 },
      },
    },
    advanced: {
      useSecureCookies: config.appUrl.startsWith('https:'),
      ipAddress: { ipAddressHeaders: [clientAddressHeader] },
      // The library leaves these checks out in tests unless told otherwise.
      disableOriginCheck: false,
      disableCSRFCheck: false,
    },
    databaseHooks: {
      user: {
        create: {
          after: (user) => {
            onSignUp(user);
            return Promise.resolve();
          },
        },
      },
    },
    user: {
      modelName: 'auth_user',
      fields: { emailVerified: 'email_verified', createdAt: 'created_at', updatedAt: 'updated_at' },
    },
    session: {
      modelName: 'auth_session',
      fields: {
        userId: 'user_id',
        expiresAt: 'expires_at',
        ipAddress: 'ip_address',
        userAgent: 'user_agent',
        createdAt: 'created_at',
        updatedAt: 'updated_at',
      },
    },
    account: {
      modelName: 'auth_account',
      fields: {
        userId: 'user_id',
        accountId: 'account_id',
        providerId: 'provider_id',
        accessToken: 'access_token',
        refreshToken: 'refresh_token',
        idToken: 'id_token',
        accessTokenExpiresAt: 'access_token_expires_at',
        refreshTokenExpiresAt: 'refresh_token_expires_at',
        createdAt: 'created_at',
        updatedAt: 'updated_at',
      },
    },
    verification: {
      modelName: 'auth_verification',
      fields: { expiresAt: 'expires_at', createdAt: 'created_at', updatedAt: 'updated_at' },
    },
  });

  return {
    handle: (request) => auth.handler(request),
    userOf: async (headers) => {
      const session = await auth.api.getSession({ headers });
      return session === null ? undefined : session.user;
    },
  };
}
