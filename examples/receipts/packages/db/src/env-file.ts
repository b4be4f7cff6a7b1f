import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { loadEnvFile } from 'node:process';

/** Reads the .env at the root of the repository, where there is one; what is set already stays. */
export function readEnvFile(): void {
  const path = join(import.meta.dirname, '../../../.env');
  if (existsSync(path)) {
    loadEnvFile(path);
  }
}
