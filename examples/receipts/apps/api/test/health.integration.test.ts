import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestApp, origin, type TestApp } from './support.ts';

describe('health', () => {
  let test: TestApp;

  beforeAll(() => {
    test = createTestApp();
  });

  afterAll(() => test.close());

  it('says what works and what is not configured', async () => {
    const response = await test.app.request(`${origin}/health`);
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({
      status: 'ok',
      version: '1.2.3',
      commit: 'test',
      build: 'build-7',
      environment: 'test',
      components: {
        database: 'reachable',
        auth: 'configured',
        ai: 'not configured',
        email: 'configured',
        payments: 'not configured',
        errors: 'not configured',
      },
    });
  });

  it('names the commit alone as well', async () => {
    const response = await test.app.request(`${origin}/version`);
    expect(await response.json()).toEqual({
      version: '1.2.3',
      commit: 'test',
      build: 'build-7',
      environment: 'test',
    });
  });

  it('proves under a nonce what it is set up with, and shows no value', async () => {
    const secret = 'sk_test_a-key-that-nobody-may-see';
    const keyed = createTestApp(
      {},
      {
        payments: {
          secretKey: secret,
          webhookSecret: 'whsec_x',
          apiBase: undefined,
          prices: {},
        },
      },
    );
    const nonce = 'a-nonce-of-the-callers';
    const text = await (await keyed.app.request(`${origin}/health?nonce=${nonce}`)).text();
    expect(JSON.parse(text)).toMatchObject({
      fingerprints: {
        database: createHmac('sha256', nonce).update('127.0.0.1:5432/receipts').digest('hex'),
        stripeKey: createHmac('sha256', nonce).update(secret).digest('hex'),
        aiKey: null,
      },
    });
    expect(text).not.toContain(secret);
    expect(text).not.toContain('whsec_x');
    await keyed.close();
  });

  it('gives no fingerprints unasked, nor for a nonce that could be guessed', async () => {
    expect(await (await test.app.request(`${origin}/health`)).json()).not.toHaveProperty(
      'fingerprints',
    );
    expect((await test.app.request(`${origin}/health?nonce=short`)).status).toBe(400);
  });

  it.each(['ai', 'payments'])('answers 503 for %s, which is not configured', async (name) => {
    const response = await test.app.request(`${origin}/health/${name}`);
    expect(response.status).toBe(503);
    expect(await response.json()).toEqual({ component: name, state: 'not configured' });
  });

  it('knows no other components', async () => {
    expect((await test.app.request(`${origin}/health/constructor`)).status).toBe(404);
  });

  it('tells the web app what is there, and nothing that is secret', async () => {
    const reporting = { dsn: 'https://public@errors.example.test/7', tracesSampleRate: 0 };
    const told = createTestApp({}, { webErrors: reporting });
    const response = await told.app.request(`${origin}/api/config`);
    expect(await response.json()).toEqual({
      services: {
        ai: 'not configured',
        email: 'configured',
        payments: 'not configured',
        errors: 'not configured',
      },
      model: null,
      errors: { dsn: reporting.dsn, environment: 'test', release: 'test' },
    });
    expect(response.headers.get('content-security-policy')).toContain(
      "connect-src 'self' https://errors.example.test",
    );
    await told.close();
  });

  it('answers 503 when the database is gone', async () => {
    const gone = createTestApp();
    await gone.close();
    const response = await gone.app.request(`${origin}/health`);
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ components: { database: 'unreachable' } });
  });
});
