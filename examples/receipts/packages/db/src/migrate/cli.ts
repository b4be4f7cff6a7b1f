import { readEnvFile } from '../env-file.ts';
import { migrate } from './migrate.ts';

try {
  readEnvFile();
  const applied = await migrate(process.env);
  const summary = applied.length === 0 ? 'up to date' : `applied ${applied.join(', ')}`;
  process.stdout.write(`database: ${summary}\n`);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
