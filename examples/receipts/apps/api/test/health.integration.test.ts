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
      components: {
        database: 'ok',
        ai: 'not configured',
        payments: 'not configured',
        errors: 'not configured',
      },
    });
  });

  it('answers 503 when the database is gone', async () => {
    const gone = createTestApp();
    await gone.close();
    const response = await gone.app.request(`${origin}/health`);
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ components: { database: 'down' } });
  });
});
