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

export function ownerUrl(env: Environment): string {
  const url = env.DATABASE_URL;
  if (!url) {
    throw new ConfigError(
      'DATABASE_URL is not set: point it at a Postgres database, such as postgres://postgres:postgres@127.0.0.1:5432/receipts',
    );
  }
  return url;
}
