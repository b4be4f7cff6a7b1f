import { plans } from '@receipts/core';
import { inWorkspaceOf, PostgresUsageStore } from '@receipts/db';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { connectAnthropic } from '../src/vendors/anthropic.ts';
import { createTestApp, pdf, type TestApp, type TestUser, upload } from './support.ts';
import { type Answer, VendorServer } from './vendor-server.ts';

const limit = plans.free.readingsPerMonth;
const read = { merchant: 'Corner Bakery', date: '2026-11-24', total: '12.50', currency: 'EUR' };

/** An answer of the Messages API. */
const message = (text: string, changes: Readonly<Record<string, unknown>> = {}): Answer => ({
  status: 200,
  body: {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'claude-test-1',
    content: [{ type: 'text', text }],
    stop_reason: 'end_turn',
    stop_sequence: null,
    usage: { input_tokens: 1200, output_tokens: 40 },
    ...changes,
  },
});

const failure = (status: number, type: string): Answer => ({
  status,
  body: { type: 'error', error: { type, message: 'Not now, ada@example.test.' } },
  headers: { 'retry-after-ms': '1' },
});

describe('readings', () => {
  let vendor: VendorServer;
  let test: TestApp;

  beforeAll(async () => {
    vendor = await VendorServer.start(() => message(JSON.stringify(read)));
    test = createTestApp({
      extractor: await connectAnthropic({
        apiKey: 'sk-test-key',
        baseUrl: vendor.url,
        model: 'claude-test-1',
      }),
    });
  });

  beforeEach(() => {
    vendor.answer = () => message(JSON.stringify(read));
    vendor.received.length = 0;
  });

  afterAll(async () => {
    await test.close();
    await vendor.close();
  });

  const ask = (user: TestUser, file = pdf()): Promise<Response> =>
    user.request('/api/readings', { method: 'POST', body: upload(file) });

  const usedBy = async (user: TestUser): Promise<number> => {
    const { readings } = (await (await user.request('/api/usage')).json()) as {
      readings: { used: number };
    };
    return readings.used;
  };

  const rowsOf = (user: TestUser): Promise<unknown[]> =>
    inWorkspaceOf(test.pool, { id: user.id, name: '' }, async (client) => {
      const { rows } = await client.query<Record<string, unknown>>(
        'select status, failure, model, input_tokens, output_tokens from readings order by started_at',
      );
      return rows;
    });

  it('sends the file to the model that was chosen and hands on what it read', async () => {
    const user = await test.signUp();
    const response = await ask(user);
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({
      reading: {
        model: 'claude-test-1',
        charged: true,
        missing: [],
        draft: {
          merchant: 'Corner Bakery',
          purchasedOn: '2026-11-24',
          amount: '12.50',
          currency: 'EUR',
        },
      },
      usage: { used: 1, limit },
    });

    expect(vendor.received).toHaveLength(1);
    expect(vendor.last).toMatchObject({
      method: 'POST',
      path: '/v1/messages',
      headers: { authorization: 'Bearer sk-test-key' },
    });
    const body = JSON.parse(vendor.last.body) as { messages: [{ content: unknown[] }] };
    expect(body).toMatchObject({
      model: 'claude-test-1',
      output_config: { format: { type: 'json_schema' } },
    });
    expect(body.messages[0].content[0]).toEqual({
      type: 'document',
      source: {
        type: 'base64',
        media_type: 'application/pdf',
        data: Buffer.from(await pdf().arrayBuffer()).toString('base64'),
      },
    });
    expect(await rowsOf(user)).toEqual([
      {
        status: 'done',
        failure: null,
        model: 'claude-test-1',
        input_tokens: 1200,
        output_tokens: 40,
      },
    ]);
    expect(await user.list()).toEqual([]);
  });

  it('sends a picture as a picture', async () => {
    const bytes = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 1];
    await ask(await test.signUp(), new File([new Uint8Array(bytes)], 'scan.png'));
    expect(vendor.last.body).toContain('"media_type":"image/png"');
    expect(vendor.last.body).toContain('"type":"image"');
  });

  it('hands on what could be read, says what could not, and charges nothing for it', async () => {
    const user = await test.signUp();
    vendor.answer = () => message(JSON.stringify({ ...read, date: null }));
    expect(await (await ask(user)).json()).toMatchObject({
      reading: { charged: false, missing: ['purchasedOn'], draft: { amount: '12.50' } },
      usage: { used: 0 },
    });
    expect(await rowsOf(user)).toMatchObject([{ status: 'failed', failure: 'incomplete' }]);
  });

  it.each<[string, Answer, number, string]>([
    ['an outage', failure(500, 'api_error'), 502, 'unavailable'],
    ['an overload', failure(529, 'overloaded_error'), 502, 'unavailable'],
    ['a key that is not taken', failure(401, 'authentication_error'), 502, 'refused'],
    ['a file that is not taken', failure(400, 'invalid_request_error'), 422, 'unreadable'],
    ['prose', message('It is from a bakery.'), 422, 'unreadable'],
    ['a list', message('[]'), 422, 'unreadable'],
    [
      'an answer cut short',
      message(JSON.stringify(read), { stop_reason: 'max_tokens' }),
      422,
      'unreadable',
    ],
    ['a refusal', message('', { content: [], stop_reason: 'refusal' }), 422, 'unreadable'],
  ])('tells of %s and charges nothing', async (_name, answer, status, reason) => {
    const user = await test.signUp();
    vendor.answer = () => answer;
    const response = await ask(user);
    expect(response.status).toBe(status);
    const text = await response.text();
    expect(JSON.parse(text)).toMatchObject({ error: { reason, charged: false } });
    expect(text).not.toContain('ada@example.test');
    expect(await usedBy(user)).toBe(0);
    expect(await rowsOf(user)).toMatchObject([{ status: 'failed', failure: reason }]);
  });

  it('tries again what fails for a moment, and charges once', async () => {
    const user = await test.signUp();
    vendor.answerInTurn(failure(529, 'overloaded_error'), message(JSON.stringify(read)));
    expect((await ask(user)).status).toBe(200);
    expect(vendor.received).toHaveLength(2);
    expect(await usedBy(user)).toBe(1);
  });

  it('asks nobody once the quota is used up, and says so as documented', async () => {
    const user = await test.signUp();
    for (let i = 0; i < limit; i += 1) {
      expect((await ask(user)).status).toBe(200);
    }
    const refused = await ask(user);
    expect(refused.status).toBe(402);
    expect(await refused.json()).toEqual({
      error: {
        code: 'quota_exhausted',
        message: 'All AI readings of this month are used.',
        meter: 'readings',
        plan: 'free',
        used: limit,
        limit,
        resetsAt: '2026-12-01T00:00:00.000Z',
        upgradeTo: 'pro',
      },
    });
    expect(vendor.received).toHaveLength(limit);
    await user.addReceipt();
  });

  it('asks no more once a month has cost too many answers that gave no reading', async () => {
    const user = await test.signUp();
    vendor.answer = () => message(JSON.stringify({ ...read, date: null }));
    const answers = limit * 4;
    for (let i = 0; i < answers; i += 1) {
      expect((await ask(user)).status).toBe(200);
    }
    vendor.answer = () => message(JSON.stringify(read));
    const refused = await ask(user);
    expect(refused.status).toBe(429);
    expect(await refused.json()).toMatchObject({ error: { code: 'too_many_unread' } });
    expect(vendor.received).toHaveLength(answers);
    expect(await usedBy(user)).toBe(0);
  });

  it('does not overspend when many come at once at the edge', async () => {
    const user = await test.signUp();
    const answers = await Promise.all(Array.from({ length: limit + 6 }, () => ask(user)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(limit);
    expect(answers.filter(({ status }) => status === 402)).toHaveLength(6);
    expect(vendor.received).toHaveLength(limit);
    expect(await usedBy(user)).toBe(limit);
  });

  it('gives the unit back of a reading whose process died', async () => {
    const user = await test.signUp();
    await inWorkspaceOf(test.pool, { id: user.id, name: '' }, async (client, { tenantId }) => {
      const key = { tenantId, meter: 'readings', month: '2026-11' };
      await new PostgresUsageStore(client).add(key, 1, limit);
      await client.query(
        `insert into readings (tenant_id, month, model, file_sha256, started_at)
         values ($1, '2026-11', 'claude-test-1', repeat('0', 64), now() - interval '6 minutes')`,
        [tenantId],
      );
    });
    expect(await usedBy(user)).toBe(1);
    expect((await ask(user)).status).toBe(200);
    expect(await usedBy(user)).toBe(1);
    expect(await rowsOf(user)).toMatchObject([{ failure: 'interrupted' }, { status: 'done' }]);
  });

  it('refuses what is no file of the right kind before it asks anybody', async () => {
    const user = await test.signUp();
    const page = new File(['<script>'], 'scan.png', { type: 'image/png' });
    expect((await ask(user, page)).status).toBe(422);
    const empty = await user.request('/api/readings', { method: 'POST', body: new FormData() });
    expect(empty.status).toBe(422);
    expect((await user.post('/api/readings', {})).status).toBe(415);
    expect(vendor.received).toHaveLength(0);
    expect(await usedBy(user)).toBe(0);
  });

  it('asks the vendor for the model when asked whether it is there', async () => {
    vendor.answer = () => ({
      status: 200,
      body: { type: 'model', id: 'claude-test-1', display_name: 'Test', created_at: '2026-01-01' },
    });
    const response = await test.app.request('http://127.0.0.1:3000/health/ai');
    expect(await response.json()).toEqual({ component: 'ai', state: 'reachable' });
    expect(vendor.last).toMatchObject({ method: 'GET', path: '/v1/models/claude-test-1' });
  });

  it('says that it is not configured where it is not', async () => {
    const bare = createTestApp();
    const user = await bare.signUp();
    const response = await ask(user);
    expect(response.status).toBe(503);
    expect(await response.json()).toEqual({
      error: {
        code: 'not_configured',
        message: 'Reading receipts by AI is not configured here.',
        component: 'ai',
      },
    });
    expect(await usedBy(user)).toBe(0);
    await bare.close();
  });
});
