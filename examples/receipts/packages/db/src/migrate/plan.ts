import type { Migration } from './files.ts';

/** What the database remembers of a migration. */
export interface Applied {
  readonly name: string;
  readonly checksum: string;
}

/** Which migrations are still to be applied. Throws where files and history contradict each other. */
export function pendingMigrations(
  files: readonly Migration[],
  applied: readonly Applied[],
): Migration[] {
  const history = new Map(applied.map(({ name, checksum }) => [name, checksum]));
  for (const { name, checksum } of files) {
    const known = history.get(name);
    if (known !== undefined && known !== checksum) {
      throw new Error(
        `${name} was edited after it had been applied: write a new migration instead.`,
      );
    }
  }
  // History without a file is no error: an older build may meet a newer database after a rollback.
  return files.filter(({ name }) => !history.has(name));
}
