import { migrate, readEnvFile } from '../src/index.ts';

/** The integration tests run against DATABASE_URL, brought up to date first. */
export default async function setup(): Promise<void> {
  readEnvFile();
  await migrate(process.env);
}
