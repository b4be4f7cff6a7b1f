import pg from 'pg';
import { appRole, type Environment, ownerUrl } from '../config.ts';
import { type Migration, readMigrations } from './files.ts';
import { type Applied, pendingMigrations } from './plan.ts';
import { ensureRole, grantToRole } from './role.ts';

/** Any number, the same for everybody who migrates this database. */
const lockKey = 7_240_113;

/** Brings the database up to date and answers the names of what was applied. */
export async function migrate(env: Environment): Promise<string[]> {
  const client = new pg.Client({
    connectionString: ownerUrl(env),
    connectionTimeoutMillis: 10_000,
  });
  await client.connect();
  try {
    // Two deployments at once take turns. The lock belongs to the session, so it ends with it.
    await client.query('select pg_advisory_lock($1)', [lockKey]);
    // Better to fail and be run again than to queue behind a long query and block everybody.
    await client.query("set lock_timeout = '5s'");
    const role = appRole(env);
    await ensureRole(client, role);
    await client.query(`create table if not exists schema_migrations (
      name text primary key,
      checksum text not null,
      phase text not null,
      applied_at timestamptz not null default now()
    )`);
    const applied = await client.query<Applied>('select name, checksum from schema_migrations');
    const pending = pendingMigrations(await readMigrations(), applied.rows);
    for (const migration of pending) {
      await apply(client, migration);
    }
    await grantToRole(client, role);
    return pending.map(({ name }) => name);
  } finally {
    await client.end();
  }
}

async function apply(client: pg.Client, { name, phase, sql, checksum }: Migration): Promise<void> {
  try {
    await client.query('begin');
    await client.query(sql);
    await client.query(
      'insert into schema_migrations (name, checksum, phase) values ($1, $2, $3)',
      [name, checksum, phase],
    );
    await client.query('commit');
  } catch (error) {
    await client.query('rollback');
    throw new Error(`${name}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}
