/** A setting is missing or wrong: the message is meant for whoever starts the program. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

export type Environment = Readonly<Record<string, string | undefined>>;

export const defaultAppRole = 'receipts_app';

/** The role that the application works as: it owns nothing and row-level security binds it. */
export function appRole(env: Environment): string {
  const role = env.APP_DATABASE_ROLE || defaultAppRole;
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(role)) {
    throw new ConfigError(`APP_DATABASE_ROLE is no plain role name: ${role}`);
  }
  return role;
}

/**
 * Which database it is, whoever connects: `host:port/name`. A pooler in front of it is the same
 * database.
 */
export function databaseIdentity(env: Environment): string {
  const url = env.APP_DATABASE_URL || env.DATABASE_URL;
  if (!url) {
    return 'none';
  }
  if (!URL.canParse(url)) {
    return url.replace(/\/\/[^@/]*@/, '//');
  }
  const { hostname, pathname, port, searchParams } = new URL(url);
  const host = (hostname || searchParams.get('host') || 'localhost').toLowerCase();
  return `${host.replace(/-pooler(?=\.)/, '')}:${port || searchParams.get('port') || '5432'}${pathname}`;
}

export function ownerUrl(env: Environment): string {
  const url = env.DATABASE_URL;
  if (!url) {
    throw new ConfigError(
      'DATABASE_URL is not set: point it at a Postgres database, such as postgres://postgres:postgres@127.0.0.1:5432/receipts',
    );
  }
  return url;
}
