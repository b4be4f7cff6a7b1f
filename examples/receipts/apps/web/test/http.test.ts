import { afterEach, describe, expect, it, vi } from 'vitest';
import { ApiError, request } from '../src/api/http.ts';

const answer = (status: number, body: string): void => {
  vi.stubGlobal('fetch', () => Promise.resolve(new Response(body, { status })));
};

const failure = (): Promise<unknown> =>
  request('/api/receipts').then(
    () => undefined,
    (error: unknown) => error,
  );

describe('request', () => {
  afterEach(() => {
    vi.unstubAllGlobals();
  });

  it('answers the body', async () => {
    answer(200, '{"receipts":[]}');
    expect(await request('/api/receipts')).toEqual({ receipts: [] });
  });

  it('passes on the words and the fields of our own routes', async () => {
    answer(422, '{"error":{"code":"invalid","message":"No.","fields":{"amount":"Digits."}}}');
    const error = await failure();
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({ status: 422, code: 'invalid', fields: { amount: 'Digits.' } });
  });

  it('passes on the words of the auth library', async () => {
    answer(401, '{"code":"INVALID_EMAIL_OR_PASSWORD","message":"Invalid email or password"}');
    expect(await failure()).toMatchObject({ status: 401, message: 'Invalid email or password' });
  });

  it.each(['<html>Bad gateway</html>', '', 'null'])('copes with the body %j', async (body) => {
    answer(502, body);
    expect(await failure()).toMatchObject({ status: 502, message: 'The server answered 502.' });
  });

  it('says when the server cannot be reached', async () => {
    vi.stubGlobal('fetch', () => Promise.reject(new TypeError('fetch failed')));
    expect(await failure()).toMatchObject({ status: 0, code: 'offline' });
  });
});
