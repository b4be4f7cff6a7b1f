import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { migrate, ownerUrl } from '../src/index.ts';
import { readMigrations } from '../src/migrate/files.ts';

describe('migrate', () => {
  it('does nothing on a database that is up to date, also when run twice at once', async () => {
    expect(await Promise.all([migrate(process.env), migrate(process.env)])).toEqual([[], []]);
  });

  it('leaves a history of every file', async () => {
    const client = new pg.Client({ connectionString: ownerUrl(process.env) });
    await client.connect();
    try {
      const { rows } = await client.query<{ name: string; phase: string; checksum: string }>(
        'select name, phase, checksum from schema_migrations order by name',
      );
      const files = await readMigrations();
      // There may be more: after a rollback this build meets a database that a later one migrated.
      expect(rows).toEqual(
        expect.arrayContaining(
          files.map(({ name, phase, checksum }) => ({ name, phase, checksum })),
        ),
      );
    } finally {
      await client.end();
    }
  });
});
