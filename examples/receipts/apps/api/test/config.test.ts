import { describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.ts';

describe('loadConfig', () => {
  it('needs nothing for development', () => {
    expect(loadConfig({})).toMatchObject({
      host: '127.0.0.1',
      port: 3000,
      appUrl: 'http://127.0.0.1:3000',
      production: false,
      commit: 'unknown',
    });
  });

  it('wants a secret of its own in production', () => {
    expect(() => loadConfig({ NODE_ENV: 'production' })).toThrow('AUTH_SECRET');
    expect(() => loadConfig({ NODE_ENV: 'production', AUTH_SECRET: 'short' })).toThrow(
      'AUTH_SECRET',
    );
    const secret = 'x'.repeat(32);
    expect(loadConfig({ NODE_ENV: 'production', AUTH_SECRET: secret }).authSecret).toBe(secret);
  });

  it.each([
    [{ PORT: 'http' }, 'PORT'],
    [{ PORT: '70000' }, 'PORT'],
    [{ APP_URL: 'javascript:alert(1)' }, 'APP_URL'],
    [{ WEB_ROOT: '/nowhere' }, 'WEB_ROOT'],
  ])('refuses %j', (env, name) => {
    expect(() => loadConfig(env)).toThrow(name);
  });

  it('knows which commit it was built from', () => {
    expect(loadConfig({ GIT_COMMIT: 'abc' }).commit).toBe('abc');
    expect(loadConfig({ VERCEL_GIT_COMMIT_SHA: 'def' }).commit).toBe('def');
  });
});
