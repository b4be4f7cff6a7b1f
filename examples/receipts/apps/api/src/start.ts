import { serve } from '@hono/node-server';
import { assertBoundByRowSecurity, createAppPool } from '@receipts/db';
import { createApp } from './app.ts';
import type { Config } from './config.ts';
import type { ErrorReports } from './error-reports.ts';
import type { Log } from './log.ts';
import { createServices } from './services.ts';
import { connectVendors } from './vendors/connect.ts';

export interface Beginning {
  readonly config: Config;
  readonly errors: ErrorReports;
  readonly log: Log;
  readonly write: (line: string) => void;
}

/** Serves until the process is told to stop. */
export async function start({ config, errors, log, write }: Beginning): Promise<void> {
  const pool = createAppPool(process.env);
  // An idle connection that breaks is replaced at the next use; unheard, it would end the process.
  pool.on('error', (error) => {
    log.error('a database connection broke', error);
  });
  await assertBoundByRowSecurity(pool);

  const services = createServices({
    ...(await connectVendors(config.vendors, write)),
    config,
    pool,
    errors,
    log,
    now: () => new Date(),
  });
  const server = serve(
    { fetch: createApp(services).fetch, hostname: config.host, port: config.port },
    ({ port }) => {
      log.info('listening', {
        url: `http://${config.host}:${port}`,
        web: config.webRoot ?? 'not built',
        commit: config.commit,
      });
    },
  );

  const stop = (): void => {
    server.close(() => {
      // What people were promised goes out first, then what we have to say about it.
      void services.notifier
        .settle()
        .then(() => errors.close())
        .finally(() => pool.end());
    });
    // A browser may keep its connection open; do not wait for it.
    setTimeout(() => {
      process.exit(0);
    }, 5000).unref();
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
}
