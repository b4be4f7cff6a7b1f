import { serveStatic } from '@hono/node-server/serve-static';
import { Hono } from 'hono';
import { compress } from 'hono/compress';

/** Serves the built web app. Names under /assets carry a hash of their content and never change. */
export function webRoutes(root: string): Hono {
  const routes = new Hono();
  routes.use(compress());
  routes.use(
    serveStatic({
      root,
      onFound: (_path, c) => {
        const forever = c.req.path.startsWith('/assets/');
        c.header('cache-control', forever ? 'public, max-age=31536000, immutable' : 'no-cache');
      },
    }),
  );
  return routes;
}
