import pg from 'pg';
import { appRole, ConfigError, type Environment, ownerUrl } from './config.ts';

export type Pool = pg.Pool;
export type Client = pg.PoolClient;

/** Connections of the application: by its own login, or as the owner stepping down to its role. */
export function createAppPool(env: Environment): Pool {
  const url = env.APP_DATABASE_URL;
  return new pg.Pool({
    connectionTimeoutMillis: 10_000,
    max: 10,
    ...(url
      ? { connectionString: url }
      : { connectionString: ownerUrl(env), options: `-c role=${appRole(env)}` }),
  });
}

/**
 * Refuses a connection that row-level security would not bind: it would show every tenant's rows
 * and nothing else would look wrong.
 */
export async function assertBoundByRowSecurity(pool: Pool): Promise<void> {
  const { rows } = await pool.query<{ name: string; bound: boolean }>(
    `select rolname as name, not (rolsuper or rolbypassrls) as bound
       from pg_roles where rolname = current_user`,
  );
  const role = rows[0];
  if (role?.bound !== true) {
    throw new ConfigError(
      `The application must not connect as ${role?.name ?? 'an unknown role'}: row-level security does not bind it.`,
    );
  }
}

/** Runs the work in one transaction: all of it happens, or none. */
export async function transaction<T>(pool: Pool, work: (client: Client) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query('begin');
    const value = await work(client);
    await client.query('commit');
    return value;
  } catch (error) {
    await client.query('rollback').catch((failure: unknown) => {
      // A connection that cannot even roll back must not serve anybody else.
      broken = failure instanceof Error ? failure : new Error(String(failure));
    });
    throw error;
  } finally {
    client.release(broken);
  }
}
