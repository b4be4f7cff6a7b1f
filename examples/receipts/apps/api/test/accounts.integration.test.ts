import { transaction } from '@receipts/db';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestApp, origin, type TestApp } from './support.ts';

describe('accounts', () => {
  let test: TestApp;

  beforeAll(() => {
    test = createTestApp();
  });

  afterAll(() => test.close());

  const signIn = async (email: string, password: string): Promise<Response> =>
    test.app.request(`${origin}/api/auth/sign-in/email`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin },
      body: JSON.stringify({ email, password }),
    });

  const membershipsOf = (userId: string): Promise<number | null> =>
    transaction(test.pool, async (client) => {
      await client.query("select set_config('app.user_id', $1, true)", [userId]);
      return (await client.query('select 1 from memberships')).rowCount;
    });

  it('sign in with the right password only', async () => {
    const { email } = await test.signUp();
    expect((await signIn(email, 'correct horse battery')).status).toBe(200);
    expect((await signIn(email, 'wrong horse battery')).status).toBe(401);
    expect((await signIn('nobody@example.test', 'correct horse battery')).status).toBe(401);
  });

  it('cannot share an address', async () => {
    const { email } = await test.signUp();
    const again = await test.app.request(`${origin}/api/auth/sign-up/email`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin },
      body: JSON.stringify({ name: 'Eve', email, password: 'correct horse battery' }),
    });
    expect(again.status).toBe(422);
  });

  it('are opened from a page at the address of a deployment, and from no foreign page', async () => {
    const deployment = 'http://web-7f3a9c.example.test:8080';
    const signUp = async (page: string): Promise<number> => {
      const answer = await test.app.request(`${deployment}/api/auth/sign-up/email`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', origin: page },
        body: JSON.stringify({
          name: 'Grace',
          email: `${crypto.randomUUID()}@example.test`,
          password: 'correct horse battery',
        }),
      });
      return answer.status;
    };
    expect(await signUp(deployment)).toBe(200);
    expect(await signUp('https://evil.example.test')).toBe(403);
    expect(await signUp('http://web-other.example.test:8080')).toBe(403);
  });

  it('need a password of some length', async () => {
    const response = await test.app.request(`${origin}/api/auth/sign-up/email`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin },
      body: JSON.stringify({ name: 'Eve', email: 'eve@example.test', password: 'short' }),
    });
    expect(response.status).toBe(400);
  });

  it('end their session when they sign out', async () => {
    const user = await test.signUp();
    expect((await user.request('/api/usage')).status).toBe(200);
    expect((await user.post('/api/auth/sign-out', {})).status).toBe(200);
    expect((await user.request('/api/usage')).status).toBe(401);
  });

  it('cannot be signed out by a foreign page', async () => {
    const user = await test.signUp();
    const foreign = 'https://evil.example.test';
    expect((await user.post('/api/auth/sign-out', {}, foreign)).status).toBe(403);
    expect((await user.request('/api/usage')).status).toBe(200);
  });

  it('get one workspace, however many requests come first', async () => {
    const user = await test.signUp('Grace');
    const answers = await Promise.all(
      Array.from(
        { length: 8 },
        async (): Promise<unknown> => (await user.request('/api/usage')).json(),
      ),
    );
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(answers[0]).toMatchObject({ workspace: { name: "Grace's workspace", plan: 'free' } });
    expect(await membershipsOf(user.id)).toBe(1);
  });
});
