import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.ts';
import { fingerprints, isNonce } from '../src/fingerprints.ts';

const nonce = 'a-nonce-of-the-callers';
const url = 'postgres://app:secret@db.example.test/receipts';

const of = (env: Record<string, string>) =>
  fingerprints(loadConfig({ DATABASE_URL: url, ...env }), nonce);

describe('fingerprints', () => {
  it('are the HMAC-SHA256 of each value under the nonce, and null for none', () => {
    const keyed = createHmac('sha256', nonce).update('sk-x').digest('hex');
    expect(of({ ANTHROPIC_API_KEY: 'sk-x' })).toMatchObject({ aiKey: keyed, stripeKey: null });
  });

  it('are the same for one database, whoever connects and by which way', () => {
    const { database } = of({});
    expect(
      of({ APP_DATABASE_URL: 'postgres://receipts_app:x@DB.example.test:5432/receipts' }),
    ).toMatchObject({ database });
    expect(of({ DATABASE_URL: 'postgres://a@db-pooler.example.test/receipts' })).toMatchObject({
      database,
    });
    expect(of({ DATABASE_URL: `${url}_staging` }).database).not.toBe(database);
    expect(of({ DATABASE_URL: url.replace('db.', 'db2.') }).database).not.toBe(database);
    expect(of({ DATABASE_URL: url.replace('.test/', '.test:5433/') }).database).not.toBe(database);
  });

  it('differ with the nonce', () => {
    const config = loadConfig({ DATABASE_URL: url });
    expect(fingerprints(config, `${nonce}2`).database).not.toBe(
      fingerprints(config, nonce).database,
    );
  });
});

describe('isNonce', () => {
  it.each([
    ['a'.repeat(16), true],
    ['a'.repeat(15), false],
    ['a'.repeat(129), false],
    [`${'a'.repeat(16)}\n`, false],
  ])('%j: %s', (text, good) => {
    expect(isNonce(text)).toBe(good);
  });
});
