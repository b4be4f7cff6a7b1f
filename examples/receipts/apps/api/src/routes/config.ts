import { Hono } from 'hono';
import type { Services } from '../context.ts';
import { vendorStates } from '../vendor-states.ts';

/** What the web app has to know about this deployment. Everybody may see it. */
export function configRoutes(services: Services): Hono {
  const { commit, environment, vendors } = services.config;
  const routes = new Hono();
  routes.get('/', (c) =>
    c.json({
      services: vendorStates(services),
      model: services.extractor.state === 'configured' ? services.extractor.model : null,
      errors: vendors.webErrors
        ? { dsn: vendors.webErrors.dsn, environment, release: commit }
        : null,
    }),
  );
  return routes;
}
