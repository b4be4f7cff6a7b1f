import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { csrf } from 'hono/csrf';
import { HTTPException } from 'hono/http-exception';
import { secureHeaders } from 'hono/secure-headers';
import { type Connection, withClientAddress } from './client-address.ts';
import type { Config } from './config.ts';
import type { Services } from './context.ts';
import { ApiError, answerError, notFound } from './errors.ts';
import { ownOrigins } from './origins.ts';
import { billingRoutes } from './routes/billing.ts';
import { configRoutes } from './routes/config.ts';
import { healthRoutes, versionRoutes } from './routes/health.ts';
import { readingRoutes } from './routes/readings.ts';
import { receiptRoutes } from './routes/receipts.ts';
import { usageRoutes } from './routes/usage.ts';
import { isSynthetic } from './synthetic.ts';
import { webRoutes } from './web.ts';

/** A file of the largest size, and room for the form around it. */
const largestBody = 3 * 1024 * 1024;

export type App = Hono<{ Bindings: Connection }>;

export function createApp(services: Services): App {
  const { auth, config, errors, log } = services;
  const app = new Hono<{ Bindings: Connection }>();

  app.onError((error, c) => {
    if (error instanceof ApiError) {
      return answerError(c, error);
    }
    if (error instanceof HTTPException) {
      return answerError(c, new ApiError(error.status, 'refused', 'The request was refused.'));
    }
    log.error(`${c.req.method} ${c.req.path} failed`, error);
    return answerError(c, new ApiError(500, 'internal', 'Something went wrong on our side.'));
  });
  app.notFound((c) => answerError(c, notFound()));

  app.use(async (c, next) => {
    if (isSynthetic(c.req, config.syntheticKey)) {
      errors.noteSynthetic();
    }
    await next();
  });
  app.use(
    secureHeaders({
      strictTransportSecurity: config.appUrl.startsWith('https:'),
      contentSecurityPolicy: {
        defaultSrc: ["'self'"],
        imgSrc: ["'self'", 'data:'],
        connectSrc: ["'self'", ...reportingOrigins(config)],
        objectSrc: ["'none'"],
        baseUri: ["'none'"],
        frameAncestors: ["'none'"],
        formAction: ["'self'"],
      },
    }),
  );
  app.use(
    '/api/*',
    bodyLimit({
      maxSize: largestBody,
      onError: () => {
        throw new ApiError(413, 'too_large', 'The file is too large.');
      },
    }),
    async (c, next) => {
      await next();
      // Answers belong to one person: no cache in between may keep them.
      c.header('cache-control', 'private, no-store');
    },
    csrf({ origin: (origin, c) => ownOrigins(c.req.raw).includes(origin) }),
  );

  app.route('/health', healthRoutes(services));
  app.route('/version', versionRoutes(services));
  app.route('/api/config', configRoutes(services));
  app.on(['GET', 'POST'], '/api/auth/*', (c) =>
    auth.handle(withClientAddress(c.req.raw, c.env, config.behindProxy)),
  );
  app.route('/api/receipts', receiptRoutes(services));
  app.route('/api/readings', readingRoutes(services));
  app.route('/api/usage', usageRoutes(services));
  app.route('/api/billing', billingRoutes(services));
  if (config.webRoot !== undefined) {
    app.route('/', webRoutes(config.webRoot));
  }
  return app;
}

/** Where the web app may send its errors. */
function reportingOrigins({ vendors }: Config): string[] {
  return vendors.webErrors === undefined ? [] : [new URL(vendors.webErrors.dsn).origin];
}
