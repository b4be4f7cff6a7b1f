import { plans } from '@receipts/core';
import { inWorkspaceOf, PostgresUsageStore } from '@receipts/db';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestApp, draft, type TestApp, type TestUser } from './support.ts';

const limit = plans.free.receiptsPerMonth;

describe('metering', () => {
  let test: TestApp;

  beforeAll(() => {
    test = createTestApp();
  });

  afterAll(() => test.close());

  const setUsed = async (user: TestUser, used: number): Promise<void> => {
    await inWorkspaceOf(test.pool, { id: user.id, name: 'Ada' }, (client, { tenantId }) =>
      client.query(
        `insert into usage_counters (tenant_id, meter, month, used)
         values ($1, 'receipts', '2026-11', $2)
         on conflict (tenant_id, meter, month) do update set used = excluded.used`,
        [tenantId, used],
      ),
    );
  };

  const usageOf = async (user: TestUser): Promise<unknown> => {
    const answer = (await (await user.request('/api/usage')).json()) as { usage: unknown };
    return answer.usage;
  };

  it('counts each receipt that is kept', async () => {
    const user = await test.signUp();
    expect(await usageOf(user)).toMatchObject({ used: 0, limit, remaining: limit });
    await user.addReceipt();
    await user.addReceipt();
    expect(await usageOf(user)).toMatchObject({ used: 2, level: 'comfortable' });
  });

  it('passes the last unit and refuses the next with the documented answer', async () => {
    const user = await test.signUp();
    await setUsed(user, limit - 1);
    await user.addReceipt();
    expect(test.email.sent.at(-1)).toMatchObject({
      to: user.email,
      subject: 'Your receipts for this month are used up',
    });

    const refused = await user.post('/api/receipts', draft);
    expect(refused.status).toBe(402);
    expect(await refused.json()).toEqual({
      error: {
        code: 'quota_exhausted',
        message: 'All receipts of this month are used.',
        meter: 'receipts',
        plan: 'free',
        used: limit,
        limit,
        resetsAt: '2026-12-01T00:00:00.000Z',
        upgradeTo: 'pro',
      },
    });
    expect(await user.list()).toHaveLength(1);
  });

  it('does not overspend when many come at once at the edge', async () => {
    const user = await test.signUp();
    await setUsed(user, limit - 3);
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => user.post('/api/receipts', draft)),
    );
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 201)).toHaveLength(3);
    expect(statuses.filter((status) => status === 402)).toHaveLength(17);
    expect(await user.list()).toHaveLength(3);
    expect(await usageOf(user)).toMatchObject({ used: limit, remaining: 0, level: 'exhausted' });
  });

  it('counts right when the very first requests come at once', async () => {
    const user = await test.signUp();
    const answers = await Promise.all(
      Array.from({ length: limit + 5 }, () => user.post('/api/receipts', draft)),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(limit);
    expect(await user.list()).toHaveLength(limit);
    expect(await usageOf(user)).toMatchObject({ used: limit });
  });

  it('counts nothing for a receipt that is refused', async () => {
    const user = await test.signUp();
    expect((await user.post('/api/receipts', { ...draft, amount: 'x' })).status).toBe(422);
    expect(await usageOf(user)).toMatchObject({ used: 0 });
  });

  it('gives the unit back when the transaction fails after it', async () => {
    const user = await test.signUp();
    const person = { id: user.id, name: 'Ada' };
    await expect(
      inWorkspaceOf(test.pool, person, async (client, { tenantId }) => {
        const key = { tenantId, meter: 'receipts', month: '2026-11' };
        expect(await new PostgresUsageStore(client).add(key, 1, limit)).toBe(1);
        throw new Error('the insert failed');
      }),
    ).rejects.toThrow('the insert failed');
    expect(await usageOf(user)).toMatchObject({ used: 0 });
  });

  it('does not give a unit back for a receipt that is deleted', async () => {
    const user = await test.signUp();
    const { id } = await user.addReceipt();
    expect((await user.request(`/api/receipts/${id}`, { method: 'DELETE' })).status).toBe(204);
    expect(await usageOf(user)).toMatchObject({ used: 1 });
  });

  it('starts again with the month', async () => {
    const user = await test.signUp();
    await setUsed(user, limit);
    expect((await user.post('/api/receipts', draft)).status).toBe(402);
    test.travelTo('2026-12-01T00:00:00Z');
    expect((await user.post('/api/receipts', draft)).status).toBe(201);
    test.travelTo('2026-11-25T12:00:00Z');
  });

  describe('in a month that a test chooses', () => {
    const key = 'key-of-the-tests';
    const next = { 'x-synthetic': key, 'x-synthetic-month': 'next' };
    const add = (user: TestUser, headers: Record<string, string>): Promise<Response> =>
      user.request('/api/receipts', {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(draft),
      });

    let keyed: TestApp;

    beforeAll(() => {
      keyed = createTestApp({}, {}, { syntheticKey: key });
    });

    afterAll(() => keyed.close());

    it('takes from what the tenant has in the coming month, and from nothing else', async () => {
      const user = await keyed.signUp();
      await setUsed(user, limit);
      expect((await add(user, {})).status).toBe(402);
      expect((await add(user, next)).status).toBe(201);
      const coming = (await (await user.request('/api/usage', { headers: next })).json()) as object;
      expect(coming).toMatchObject({ usage: { used: 1, resetsAt: '2027-01-01T00:00:00.000Z' } });
      expect(await usageOf(user)).toMatchObject({ used: limit });
      keyed.travelTo('2026-12-01T00:00:00Z');
      expect(await usageOf(user)).toMatchObject({ used: 1 });
      keyed.travelTo('2026-11-25T12:00:00Z');
    });

    it('ends there as well', async () => {
      const user = await keyed.signUp();
      for (let i = 0; i < limit; i += 1) {
        expect((await add(user, next)).status).toBe(201);
      }
      const refused = await add(user, next);
      expect(refused.status).toBe(402);
      expect(await refused.json()).toMatchObject({
        error: { used: limit, resetsAt: '2027-01-01T00:00:00.000Z' },
      });
    });

    it.each([
      ['no key', { 'x-synthetic-month': 'next' }, 403],
      ['a guess', { 'x-synthetic': 'a-guess', 'x-synthetic-month': 'next' }, 403],
      ['nothing', { 'x-synthetic': '', 'x-synthetic-month': 'next' }, 403],
      ['a month of its own', { ...next, 'x-synthetic-month': '2027-01' }, 400],
    ])('is refused with %s, and nothing is counted', async (_name, headers, status) => {
      const user = await keyed.signUp();
      expect((await add(user, headers)).status).toBe(status);
      expect((await user.request('/api/usage', { headers })).status).toBe(status);
      expect(await user.list()).toHaveLength(0);
      expect(await usageOf(user)).toMatchObject({ used: 0 });
    });

    it('is refused where no key is set, whatever is given for it', async () => {
      const user = await test.signUp();
      for (const given of [key, '', 'undefined']) {
        expect((await add(user, { ...next, 'x-synthetic': given })).status).toBe(403);
      }
      expect((await add(user, { 'x-synthetic-month': 'next' })).status).toBe(403);
      expect(await user.list()).toHaveLength(0);
    });
  });

  it('follows the plan', async () => {
    const user = await test.signUp();
    await setUsed(user, limit);
    await inWorkspaceOf(test.pool, { id: user.id, name: 'Ada' }, (client) =>
      client.query("update tenants set plan = 'pro'"),
    );
    expect((await user.post('/api/receipts', draft)).status).toBe(201);
    expect(await usageOf(user)).toMatchObject({ limit: plans.pro.receiptsPerMonth });
  });

  it('takes all of the units asked for, or none', async () => {
    const user = await test.signUp();
    await inWorkspaceOf(test.pool, { id: user.id, name: 'Ada' }, async (client, { tenantId }) => {
      const store = new PostgresUsageStore(client);
      const key = { tenantId, meter: 'receipts', month: '2026-11' };
      expect(await store.add(key, limit + 1, limit)).toBeUndefined();
      expect(await store.read(key)).toBe(0);
      expect(await store.add(key, limit, limit)).toBe(limit);
      expect(await store.add(key, 1, limit)).toBeUndefined();
    });
  });
});
