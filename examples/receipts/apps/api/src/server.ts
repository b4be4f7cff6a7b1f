import { serve } from '@hono/node-server';
import { assertBoundByRowSecurity, ConfigError, createAppPool, readEnvFile } from '@receipts/db';
import { ConsoleTransport } from '@receipts/email';
import { createApp } from './app.ts';
import { loadConfig } from './config.ts';
import { createLog } from './log.ts';
import { createServices } from './services.ts';

const write = (line: string): void => {
  process.stdout.write(`${line}\n`);
};
const log = createLog(write);

try {
  await start();
} catch (error) {
  if (error instanceof ConfigError) {
    process.stderr.write(`${error.message}\n`);
  } else {
    log.error('the API cannot start', error);
  }
  process.exit(1);
}

async function start(): Promise<void> {
  readEnvFile();
  const config = loadConfig(process.env);
  const pool = createAppPool(process.env);
  // An idle connection that breaks is replaced at the next use; unheard, it would end the process.
  pool.on('error', (error) => {
    log.error('a database connection broke', error);
  });
  await assertBoundByRowSecurity(pool);

  const services = createServices({
    config,
    pool,
    email: new ConsoleTransport(write),
    log,
    now: () => new Date(),
  });
  const server = serve(
    { fetch: createApp(services).fetch, hostname: config.host, port: config.port },
    () => {
      log.info('listening', {
        url: `http://${config.host}:${config.port}`,
        web: config.webRoot ?? 'not built',
        commit: config.commit,
      });
    },
  );

  const stop = (): void => {
    server.close(() => {
      void pool.end();
    });
    // A browser may keep its connection open; do not wait for it.
    setTimeout(() => {
      process.exit(0);
    }, 5000).unref();
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
}
