import type { Client } from './pool.ts';

/** A file that the AI is about to read. */
export interface NewReading {
  readonly tenantId: string;
  readonly month: string;
  readonly model: string;
  readonly fileSha256: string;
  readonly createdBy: string;
}

export async function startReading(client: Client, reading: NewReading): Promise<string> {
  const { rows } = await client.query<{ id: string }>(
    `insert into readings (tenant_id, month, model, file_sha256, created_by)
     values ($1, $2, $3, $4, $5) returning id`,
    [reading.tenantId, reading.month, reading.model, reading.fileSha256, reading.createdBy],
  );
  const id = rows[0]?.id;
  if (id === undefined) {
    throw new Error('The database answered nothing to an insert.');
  }
  return id;
}

export interface Tokens {
  readonly input: number;
  readonly output: number;
}

/** How many answers of the AI a month has cost: also those that gave no whole reading. */
export async function countAnswers(client: Client, month: string): Promise<number> {
  const { rows } = await client.query<{ answers: number }>(
    `select count(*)::int as answers from readings
      where month = $1 and input_tokens is not null`,
    [month],
  );
  return rows[0]?.answers ?? 0;
}

/** How a reading ended: with a failure it is not charged. */
export interface ReadingEnd {
  readonly failure: string | undefined;
  readonly tokens: Tokens | undefined;
}

/** Answers whether it was still running: only then may its unit be given back. */
export async function endReading(
  client: Client,
  id: string,
  { failure, tokens }: ReadingEnd,
): Promise<boolean> {
  const { rowCount } = await client.query(
    `update readings
        set status = $2, failure = $3, input_tokens = $4, output_tokens = $5, finished_at = now()
      where id = $1 and status = 'running'`,
    [
      id,
      failure === undefined ? 'done' : 'failed',
      failure?.slice(0, 200) ?? null,
      tokens?.input ?? null,
      tokens?.output ?? null,
    ],
  );
  return rowCount === 1;
}

/**
 * Ends the readings whose process did not live to do so, and answers the month of each: its unit is
 * to be given back. No reading takes this long.
 */
export async function endLostReadings(client: Client): Promise<string[]> {
  const { rows } = await client.query<{ month: string }>(
    `update readings set status = 'failed', failure = 'interrupted', finished_at = now()
      where status = 'running' and started_at < now() - interval '5 minutes'
      returning month`,
  );
  return rows.map(({ month }) => month);
}
