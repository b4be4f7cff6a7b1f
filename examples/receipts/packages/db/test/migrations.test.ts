import { describe, expect, it } from 'vitest';
import { readMigrations, toMigration } from '../src/migrate/files.ts';
import { pendingMigrations } from '../src/migrate/plan.ts';

const first = toMigration('0001_first.sql', '-- shipway: phase=expand\nselect 1;\n');
const second = toMigration('0002_second.sql', '-- shipway: phase=contract\nselect 2;\n');

describe('migration files', () => {
  it('are all named, numbered and phased', async () => {
    const migrations = await readMigrations();
    expect(migrations.length).toBeGreaterThan(0);
    expect(new Set(migrations.map(({ name }) => name.slice(0, 4))).size).toBe(migrations.length);
  });

  it('carry their phase', () => {
    expect([first.phase, second.phase]).toEqual(['expand', 'contract']);
  });

  it('are refused without a phase on the first line', () => {
    expect(() => toMigration('0001_a.sql', 'select 1;')).toThrow('first line');
    expect(() => toMigration('0001_a.sql', '\n-- shipway: phase=expand\n')).toThrow('first line');
    expect(() => toMigration('0001_a.sql', '-- shipway: phase=later\n')).toThrow('first line');
  });

  it('are refused under another kind of name', () => {
    expect(() => toMigration('1_a.sql', first.sql)).toThrow('0001_what_it_does.sql');
  });
});

describe('pendingMigrations', () => {
  it('leaves out what was applied', () => {
    expect(pendingMigrations([first, second], [first])).toEqual([second]);
    expect(pendingMigrations([first, second], [first, second])).toEqual([]);
  });

  it('refuses an edited file', () => {
    expect(() => pendingMigrations([first], [{ ...first, checksum: 'other' }])).toThrow('edited');
  });

  it('accepts a database that is ahead', () => {
    expect(pendingMigrations([first], [first, second])).toEqual([]);
  });
});
