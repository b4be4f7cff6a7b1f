import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { VendorServer } from './vendor-server.ts';

/** What the SDK sends: lines of JSON, of which each second one is an event or a transaction. */
interface Item {
  readonly type?: string;
  readonly transaction?: string;
  readonly release?: string;
  readonly environment?: string;
  readonly exception?: { readonly values: readonly { readonly value: string }[] };
  readonly user?: object;
  readonly tags?: Readonly<Record<string, string>>;
  readonly spans?: readonly { readonly op?: string }[];
}

// A process of its own: error reporting changes the libraries that it looks into.
describe('error reporting', () => {
  let sentry: VendorServer;
  let mail: VendorServer;
  let server: ChildProcess;
  let origin: string;

  beforeAll(async () => {
    sentry = await VendorServer.start(() => ({ status: 200, body: {} }));
    const refusal = { statusCode: 403, name: 'invalid_api_key', message: 'API key is invalid' };
    mail = await VendorServer.start(() => ({ status: 403, body: refusal }));
    const dsn = new URL(sentry.url);
    dsn.username = 'public';
    dsn.pathname = '/1';
    server = spawn(process.execPath, [join(import.meta.dirname, '../src/server.ts')], {
      env: {
        ...process.env,
        PORT: '0',
        GIT_COMMIT: 'c0ffee',
        APP_ENVIRONMENT: 'staging',
        SENTRY_DSN: dsn.href,
        SYNTHETIC_KEY: 'key-of-the-tests',
        RESEND_API_KEY: 're_wrong',
        RESEND_BASE_URL: mail.url,
        EMAIL_FROM: 'receipts@example.test',
      },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    origin = await whereItListens(server);
    // A whole server starts here, on a machine that may have other things to do.
  }, 60_000);

  afterAll(async () => {
    server.kill('SIGKILL');
    await Promise.all([sentry.close(), mail.close()]);
  });

  const items = (): Item[] =>
    sentry.received.flatMap(({ body, bytes, headers }) => {
      const text = headers['content-encoding'] === 'gzip' ? gunzipSync(bytes).toString() : body;
      return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Item]));
    });

  it('names release, environment and person, and nothing that is private', async () => {
    expect(await (await fetch(`${origin}/health`)).json()).toMatchObject({
      commit: 'c0ffee',
      components: { errors: 'configured', email: 'configured' },
    });
    const signedUp = await fetch(`${origin}/api/auth/sign-up/email?place=query-secret`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin, 'x-synthetic': 'a-guess' },
      body: JSON.stringify({
        name: 'Ada',
        email: `${crypto.randomUUID()}@example.test`,
        password: 'correct horse battery',
      }),
    });
    const session = (signedUp.headers.getSetCookie()[0] ?? '').split(';', 1)[0] ?? '';
    const cookie = `${session}; theme=private-theme`;
    const { user } = (await signedUp.json()) as { user: { id: string; email: string } };
    await fetch(`${origin}/api/receipts`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        origin,
        cookie,
        'x-synthetic': 'key-of-the-tests',
        'x-private': 'private-header',
      },
      body: JSON.stringify({
        merchant: 'A private shop',
        purchasedOn: '2026-01-15',
        amount: '1',
        currency: 'EUR',
      }),
    });
    await sleep(200);
    server.kill('SIGTERM');
    await once(server, 'exit');

    const sent = items();
    const errors = sent.filter((item) => item.exception !== undefined);
    expect(errors).toHaveLength(2);
    for (const error of errors) {
      expect(error).toMatchObject({
        release: 'c0ffee',
        environment: 'staging',
        tags: { logged: 'an e-mail could not be sent' },
      });
      expect(error.exception?.values.at(-1)?.value).toContain('invalid_api_key');
    }
    expect(errors[0]?.tags).not.toHaveProperty('synthetic');
    expect(errors.at(-1)).toMatchObject({
      transaction: 'POST /api/receipts',
      user: { id: user.id },
      tags: { synthetic: 'true' },
    });

    const transactions = sent.filter(({ type }) => type === 'transaction');
    const added = transactions.find(({ transaction }) => transaction === 'POST /api/receipts');
    expect(added).toMatchObject({ release: 'c0ffee', environment: 'staging' });
    expect(added?.spans?.some(({ op }) => op === 'db')).toBe(true);
    expect(transactions.map(({ transaction }) => transaction)).not.toContain('GET /health');

    const everything = JSON.stringify(sent);
    for (const secret of [
      session,
      'private-theme',
      'private-header',
      user.email,
      'A private shop',
      'correct horse',
      'query-secret',
    ]) {
      expect(everything).not.toContain(secret);
    }
    // Nor do vendors learn of our traces.
    expect(mail.received.length).toBeGreaterThan(0);
    expect(mail.received.flatMap(({ headers }) => Object.keys(headers))).not.toContain('baggage');
  });
});

function whereItListens({ stdout }: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    createInterface({ input: stdout ?? Readable.from([]) })
      .on('line', (line) => {
        const { message, url } = JSON.parse(line) as { message: string; url?: string };
        if (message === 'listening' && url !== undefined) {
          resolve(url);
        }
      })
      .on('close', () => {
        reject(new Error('The server ended before it listened.'));
      });
  });
}
