import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

export type Phase = 'expand' | 'data' | 'contract';

/** One file of SQL, applied once and never edited afterwards. */
export interface Migration {
  readonly name: string;
  readonly phase: Phase;
  readonly sql: string;
  readonly checksum: string;
}

export const migrationsDirectory = join(import.meta.dirname, '../../migrations');

export async function readMigrations(directory = migrationsDirectory): Promise<Migration[]> {
  const names = (await readdir(directory)).filter((name) => name.endsWith('.sql')).sort();
  return Promise.all(
    names.map(async (name) => toMigration(name, await readFile(join(directory, name), 'utf8'))),
  );
}

export function toMigration(name: string, sql: string): Migration {
  if (!/^\d{4}_[a-z0-9_]+\.sql$/.test(name)) {
    throw new Error(`${name}: name it 0001_what_it_does.sql`);
  }
  const phase = /^-- shipway: phase=(expand|data|contract)$/m.exec(
    sql.split('\n', 1)[0] ?? '',
  )?.[1];
  if (phase === undefined) {
    throw new Error(`${name}: the first line must be "-- shipway: phase=expand|data|contract"`);
  }
  return {
    name,
    phase: phase as Phase,
    sql,
    checksum: createHash('sha256').update(sql).digest('hex'),
  };
}
