import type { CounterKey, UsageStore } from '@receipts/metering';
import type { Client } from './pool.ts';

/**
 * Counts in the caller's transaction: a receipt that is not kept is not counted either. The row
 * lock of the upsert makes callers at the edge wait for each other, so none reads a stale count.
 */
export class PostgresUsageStore implements UsageStore {
  private readonly client: Client;

  constructor(client: Client) {
    this.client = client;
  }

  async add(key: CounterKey, units: number, limit: number): Promise<number | undefined> {
    const { rows } = await this.client.query<{ used: number }>(
      `insert into usage_counters as counter (tenant_id, meter, month, used)
       select $1, $2, $3, $4::integer where $4::integer <= $5::integer
       on conflict (tenant_id, meter, month) do update
         set used = counter.used + excluded.used, updated_at = now()
         where counter.used + excluded.used <= $5::integer
       returning used`,
      [key.tenantId, key.meter, key.month, units, limit],
    );
    return rows[0]?.used;
  }

  async remove(key: CounterKey, units: number): Promise<void> {
    await this.client.query(
      `update usage_counters set used = greatest(0, used - $4), updated_at = now()
        where tenant_id = $1 and meter = $2 and month = $3`,
      [key.tenantId, key.meter, key.month, units],
    );
  }

  async read(key: CounterKey): Promise<number> {
    const { rows } = await this.client.query<{ used: number }>(
      'select used from usage_counters where tenant_id = $1 and meter = $2 and month = $3',
      [key.tenantId, key.meter, key.month],
    );
    return rows[0]?.used ?? 0;
  }
}
