import pg, { type ClientBase } from 'pg';
import { ConfigError } from '../config.ts';

/**
 * Makes sure that the application's role exists and is harmless. It gets no password here: who
 * runs the database sets one, or lets the owner step down to the role.
 */
export async function ensureRole(client: ClientBase, role: string): Promise<void> {
  const existing = await client.query<{ unbound: boolean }>(
    'select rolsuper or rolbypassrls as unbound from pg_roles where rolname = $1',
    [role],
  );
  const found = existing.rows[0];
  if (found === undefined) {
    await createRole(client, role);
  } else if (found.unbound) {
    throw new ConfigError(
      `${role} is a superuser or may bypass row-level security: choose another role.`,
    );
  }
}

async function createRole(client: ClientBase, role: string): Promise<void> {
  const statement = `create role ${client.escapeIdentifier(role)}
    login nosuperuser nocreatedb nocreaterole nobypassrls`;
  try {
    await client.query(statement);
  } catch (error) {
    if (error instanceof pg.DatabaseError && error.code === insufficientPrivilege) {
      throw new ConfigError(
        `The user of DATABASE_URL may not create the role ${role}: have it created first.`,
      );
    }
    throw error;
  }
  await letOwnerStepDown(client, role);
}

const insufficientPrivilege = '42501';

/** Since Postgres 16 an owner that is no superuser may not become a role only by having made it. */
async function letOwnerStepDown(client: ClientBase, role: string): Promise<void> {
  const { rows } = await client.query<{ allowed: boolean }>(
    `select rolsuper or current_setting('server_version_num')::integer < 160000 as allowed
       from pg_roles where rolname = current_user`,
  );
  if (rows[0]?.allowed === false) {
    const name = client.escapeIdentifier(role);
    await client.query(`grant ${name} to current_user with inherit false, set true`);
  }
}

/** Rows may be read and written, nothing may be owned, and the history stays out of reach. */
export async function grantToRole(client: ClientBase, role: string): Promise<void> {
  const name = client.escapeIdentifier(role);
  await client.query(`grant usage on schema public to ${name}`);
  await client.query(
    `grant select, insert, update, delete on all tables in schema public to ${name}`,
  );
  await client.query(`grant usage, select on all sequences in schema public to ${name}`);
  await client.query(`revoke all on schema_migrations from ${name}`);
}
