import { type Context, Hono } from 'hono';
import type { Services } from '../context.ts';
import { ApiError, notFound } from '../errors.ts';
import { fingerprints, isNonce } from '../fingerprints.ts';
import { Probes } from '../probes.ts';
import { vendorStates } from '../vendor-states.ts';

/** What works and what does not, without pretending: a vendor that is not connected is not "ok". */
export function healthRoutes(services: Services): Hono {
  const { config, email, extractor, log, payments, pool } = services;
  const probes = new Probes(log);
  const vendors = { ai: extractor, email, payments } as const;

  const databaseState = async (): Promise<'reachable' | 'unreachable'> => {
    try {
      await pool.query('select 1 from tenants limit 1');
      return 'reachable';
    } catch (error) {
      log.error('the database does not answer', error);
      return 'unreachable';
    }
  };

  const routes = new Hono();
  routes.use(async (c, next) => {
    await next();
    c.header('cache-control', 'no-store');
  });

  routes.get('/', async (c) => {
    const database = await databaseState();
    const healthy = database === 'reachable';
    return c.json(
      {
        status: healthy ? 'ok' : 'down',
        ...versionOf(services),
        components: { database, auth: 'configured', ...vendorStates(services) },
        ...keyed(c, config),
      },
      healthy ? 200 : 503,
    );
  });

  // Asks the vendor itself; only this says that a key is one that the vendor takes.
  routes.get('/:name', async (c) => {
    const name = c.req.param('name');
    if (!isVendor(name)) {
      throw notFound();
    }
    const state = await probes.ask(name, vendors[name]);
    return c.json({ component: name, state }, state === 'reachable' ? 200 : 503);
  });

  const isVendor = (name: string): name is keyof typeof vendors => Object.hasOwn(vendors, name);
  return routes;
}

export function versionRoutes(services: Services): Hono {
  const routes = new Hono();
  routes.get('/', (c) => {
    c.header('cache-control', 'no-store');
    return c.json(versionOf(services));
  });
  return routes;
}

const versionOf = ({ config: { build, commit, environment, version } }: Services) => ({
  version,
  commit,
  build,
  environment,
});

function keyed(c: Context, config: Services['config']) {
  const nonce = c.req.query('nonce');
  if (nonce === undefined) {
    return {};
  }
  if (!isNonce(nonce)) {
    throw new ApiError(400, 'bad_nonce', 'A nonce has 16 to 128 letters, digits, _ or -.');
  }
  return { fingerprints: fingerprints(config, nonce) };
}
