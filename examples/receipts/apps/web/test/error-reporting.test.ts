import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Deployment } from '../src/api/deployment.ts';

const dsn = 'https://public@errors.example.test/7';
const services = {
  ai: 'not configured',
  email: 'not configured',
  payments: 'not configured',
  errors: 'not configured',
} as const;

/** A page that was just opened, and what it asks for and sends. */
async function openPage(errors: Deployment['errors'] | 'offline') {
  const asked: string[] = [];
  const sent: string[] = [];
  vi.stubGlobal('fetch', (url: string, init?: RequestInit) => {
    if (url === '/api/config') {
      asked.push(url);
      return errors === 'offline'
        ? Promise.reject(new TypeError('fetch failed'))
        : Promise.resolve(Response.json({ services, model: null, errors }));
    }
    const { body } = init ?? {};
    sent.push(typeof body === 'string' ? body : new TextDecoder().decode(body as Uint8Array));
    return Promise.resolve(Response.json({}));
  });
  vi.resetModules();
  const { reportError } = await import('../src/error-reporting.ts');
  return { asked, reportError, sent };
}

describe('reportError', () => {
  beforeEach(() => {
    vi.stubGlobal('localStorage', { getItem: () => null });
  });

  afterEach(() => {
    vi.unstubAllGlobals();
  });

  it('sends nothing where nothing is configured, and asks once', async () => {
    const { asked, reportError, sent } = await openPage(null);
    reportError(new Error('first'));
    reportError(new Error('second'));
    await vi.waitFor(() => {
      expect(asked).toHaveLength(1);
    });
    reportError(new Error('third'));
    expect(asked).toHaveLength(1);
    expect(sent).toEqual([]);
  });

  it('sends what happened before it was loaded as well, with the release', async () => {
    const { reportError, sent } = await openPage({
      dsn,
      environment: 'staging',
      release: 'c0ffee',
    });
    reportError(new Error('first'));
    reportError(new Error('second'));
    await vi.waitFor(() => {
      expect(sent).toHaveLength(2);
    });
    expect(sent[0]).toContain('"value":"first"');
    expect(sent[1]).toContain('"value":"second"');
    expect(sent.join()).toContain('"release":"c0ffee"');
    expect(sent.join()).toContain('"environment":"staging"');
  });

  it('asks again at the next error when the server could not be reached', async () => {
    const { asked, reportError } = await openPage('offline');
    reportError(new Error('first'));
    await vi.waitFor(() => {
      expect(asked).toHaveLength(1);
    });
    await new Promise((resolve) => setTimeout(resolve));
    reportError(new Error('second'));
    await vi.waitFor(() => {
      expect(asked).toHaveLength(2);
    });
  });
});
