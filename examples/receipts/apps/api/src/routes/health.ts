import { Hono } from 'hono';
import type { Services } from '../context.ts';

type State = 'ok' | 'down' | 'not configured';

/** What works and what does not, without pretending: a vendor that is not connected is not "ok". */
export function healthRoutes({ config, pool, email, log }: Services): Hono {
  const databaseState = async (): Promise<State> => {
    try {
      await pool.query('select 1 from tenants limit 1');
      return 'ok';
    } catch (error) {
      log.error('the database does not answer', error);
      return 'down';
    }
  };

  const routes = new Hono();
  routes.get('/', async (c) => {
    const components: Record<string, State> = {
      database: await databaseState(),
      email: email.status,
      ai: 'not configured',
      payments: 'not configured',
      errors: 'not configured',
    };
    const healthy = !Object.values(components).includes('down');
    c.header('cache-control', 'no-store');
    return c.json(
      {
        status: healthy ? 'ok' : 'down',
        version: config.version,
        commit: config.commit,
        components,
      },
      healthy ? 200 : 503,
    );
  });
  return routes;
}
