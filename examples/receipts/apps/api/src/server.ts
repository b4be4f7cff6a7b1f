import { ConfigError } from '@receipts/db/config';
import { readEnvFile } from '@receipts/db/env-file';
import { loadConfig } from './config.ts';
import { type ErrorReports, noErrorReports } from './error-reports.ts';
import { createLog } from './log.ts';
import { connectSentry } from './vendors/sentry.ts';

const write = (line: string): void => {
  process.stdout.write(`${line}\n`);
};
let errors: ErrorReports = noErrorReports;
const log = createLog(write, (message, error) => {
  errors.report(message, error);
});

try {
  readEnvFile();
  const config = loadConfig(process.env);
  if (config.vendors.errors !== undefined) {
    errors = await connectSentry(config, config.vendors.errors);
  }
  // Only now: error reporting looks into what is loaded after it.
  const { start } = await import('./start.ts');
  await start({ config, errors, log, write });
} catch (error) {
  if (error instanceof ConfigError) {
    process.stderr.write(`${error.message}\n`);
  } else {
    log.error('the API cannot start', error);
    await errors.close();
  }
  process.exit(1);
}
