import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
// Not from '@receipts/db': its driver must not be loaded before error reporting looks into it.
import { ConfigError, databaseIdentity, type Environment } from '@receipts/db/config';
import manifest from '../package.json' with { type: 'json' };
import { loadVendors, type VendorConfig } from './vendor-config.ts';

export interface Config {
  readonly host: string;
  readonly port: number;
  /** Where people reach the app; links in e-mails lead there. */
  readonly appUrl: string;
  readonly authSecret: string;
  readonly production: boolean;
  /** Where this runs, such as `staging`: what errors are filed under. */
  readonly environment: string;
  /** Requests that carry it are tests of the deployment: their errors are filed apart. */
  readonly syntheticKey: string | undefined;
  /** A proxy of ours stands in front and notes the caller's address. */
  readonly behindProxy: boolean;
  readonly version: string;
  readonly commit: string;
  /** Names the build or deployment, where the platform does. */
  readonly build: string;
  /** Which database this is, without who connects: `host:port/name`. */
  readonly database: string;
  /** The built web app, where there is one to serve. */
  readonly webRoot: string | undefined;
  readonly vendors: VendorConfig;
}

export function loadConfig(env: Environment): Config {
  const production = env.NODE_ENV === 'production';
  const host = env.HOST || '127.0.0.1';
  const port = toPort(env.PORT || '3000');
  return {
    host,
    port,
    appUrl: toUrl(env.APP_URL || `http://${host}:${port}`),
    authSecret: toSecret(env.AUTH_SECRET, production),
    production,
    environment:
      env.APP_ENVIRONMENT || env.VERCEL_ENV || (production ? 'production' : 'development'),
    syntheticKey: env.SYNTHETIC_KEY || undefined,
    behindProxy: env.BEHIND_PROXY === 'true' || env.VERCEL === '1',
    version: manifest.version,
    commit: env.GIT_COMMIT || env.VERCEL_GIT_COMMIT_SHA || 'unknown',
    build: env.BUILD_ID || env.VERCEL_DEPLOYMENT_ID || 'unknown',
    database: databaseIdentity(env),
    webRoot: toWebRoot(env.WEB_ROOT),
    vendors: loadVendors(env),
  };
}

function toPort(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) {
    throw new ConfigError(`PORT is no port number: ${text}`);
  }
  return port;
}

function toUrl(text: string): string {
  if (!URL.canParse(text) || !/^https?:/.test(text)) {
    throw new ConfigError(`APP_URL is no address of a web page: ${text}`);
  }
  return new URL(text).origin;
}

function toSecret(text: string | undefined, production: boolean): string {
  if (!text && !production) {
    // The same at each restart, so that a developer stays signed in.
    return 'only-for-development-never-in-production';
  }
  if (!text || text.length < 32) {
    throw new ConfigError('AUTH_SECRET is not set: give it at least 32 random characters');
  }
  return text;
}

function toWebRoot(text: string | undefined): string | undefined {
  const root = text ? resolve(text) : join(import.meta.dirname, '../../web/dist');
  if (existsSync(join(root, 'index.html'))) {
    return root;
  }
  if (text) {
    throw new ConfigError(`WEB_ROOT has no index.html: ${root} (run "pnpm build" first)`);
  }
  return undefined;
}
