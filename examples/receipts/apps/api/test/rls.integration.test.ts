import { assertBoundByRowSecurity, transaction } from '@receipts/db';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { asOwner, createTestApp, draft, type TestApp, type TestUser } from './support.ts';

const tenantTables = [
  'billing_events',
  'memberships',
  'readings',
  'receipt_files',
  'receipts',
  'subscriptions',
  'tenants',
  'usage_counters',
] as const;

describe('rls', () => {
  let test: TestApp;
  let ada: TestUser;
  let ben: TestUser;
  let adasReceipt: string;
  let bensTenant: string;

  beforeAll(async () => {
    test = createTestApp();
    ada = await test.signUp('Ada');
    ben = await test.signUp('Ben');
    adasReceipt = (await ada.addReceipt({ merchant: 'Only for Ada' })).id;
    await ben.addReceipt({ merchant: 'Only for Ben' });
    bensTenant = await test.tenantOf(ben);
  });

  afterAll(() => test.close());

  /** What the application's role gets for a statement while Ben's tenant is set. */
  const asBen = (sql: string, values: unknown[] = []) =>
    transaction(test.pool, async (client) => {
      await client.query("select set_config('app.tenant_id', $1, true)", [bensTenant]);
      return client.query(sql, values);
    });

  it('shows each tenant its own receipts only', async () => {
    expect((await ada.list()).map(({ merchant }) => merchant)).toEqual(['Only for Ada']);
    expect((await ben.list()).map(({ merchant }) => merchant)).toEqual(['Only for Ben']);
  });

  it('answers 404 for a receipt of somebody else, in every way of asking', async () => {
    const path = `/api/receipts/${adasReceipt}`;
    expect((await ben.request(path)).status).toBe(404);
    expect((await ben.request(`${path}/file`)).status).toBe(404);
    expect((await ben.request(path, { method: 'DELETE' })).status).toBe(404);
    const correction = {
      method: 'PATCH',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...draft, merchant: 'Now of Ben' }),
    };
    expect((await ben.request(path, correction)).status).toBe(404);
    expect((await ada.request(path)).status).toBe(200);
  });

  it('hides other rows from statements that name them', async () => {
    expect((await asBen('select * from receipts where id = $1', [adasReceipt])).rows).toEqual([]);
    const update = 'update receipts set note = $2 where id = $1';
    expect((await asBen(update, [adasReceipt, 'mine'])).rowCount).toBe(0);
    expect((await asBen('delete from receipts where id = $1', [adasReceipt])).rowCount).toBe(0);
  });

  it('refuses rows in the name of another tenant', async () => {
    const adasTenant = await test.tenantOf(ada);
    const insert = `insert into receipts (tenant_id, merchant, purchased_on, total_minor, currency)
                    values ($1, 'x', '2026-11-24', 1, 'EUR')`;
    await expect(asBen(insert, [adasTenant])).rejects.toThrow('row-level security');
    await expect(asBen('update receipts set tenant_id = $1', [adasTenant])).rejects.toThrow(
      'row-level security',
    );
    await expect(
      asBen("insert into usage_counters values ($1, 'receipts', '2026-11', 0)", [adasTenant]),
    ).rejects.toThrow('row-level security');
  });

  it('refuses a file on a receipt of another tenant', async () => {
    const insert = `insert into receipt_files (receipt_id, tenant_id, name, media_type, bytes)
                    values ($1, $2, 'x.pdf', 'application/pdf', 'x')`;
    await expect(asBen(insert, [adasReceipt, bensTenant])).rejects.toThrow('foreign key');
  });

  it('shows nothing where no tenant is set, also on a connection that had one', async () => {
    await transaction(test.pool, async (client) => {
      await client.query('savepoint clean');
      await client.query("select set_config('app.tenant_id', $1, true)", [bensTenant]);
      await client.query('rollback to savepoint clean');
      for (const table of tenantTables) {
        expect((await client.query(`select 1 from ${table}`)).rowCount, table).toBe(0);
      }
    });
  });

  it('works as a role that it binds and that owns nothing', async () => {
    await expect(assertBoundByRowSecurity(test.pool)).resolves.toBeUndefined();
    const { rows } = await test.pool.query<{ owned: string }>(
      `select count(*) as owned from pg_class c join pg_roles r on r.oid = c.relowner
        where r.rolname = current_user`,
    );
    expect(rows).toEqual([{ owned: '0' }]);
    await expect(test.pool.query('select * from schema_migrations')).rejects.toThrow('permission');
  });

  it('is on and forced for every table of a tenant', async () => {
    const { rows } = await asOwner((client) =>
      client.query<{ name: string; protected: boolean }>(
        `select c.relname as name, c.relrowsecurity and c.relforcerowsecurity as protected
           from pg_class c join pg_attribute a on a.attrelid = c.oid
          where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace
            and (a.attname = 'tenant_id' or c.relname = 'tenants') and a.attnum > 0
          group by c.oid order by c.relname`,
      ),
    );
    const names = rows.map(({ name }) => name);
    // There may be more: an older build is also tested on the database of a newer one.
    expect(names).toEqual(expect.arrayContaining([...tenantTables]));
    expect(rows.filter((row) => !row.protected).map(({ name }) => name)).toEqual([]);
  });
});
