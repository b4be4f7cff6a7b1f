import { describe, expect, it } from 'vitest';
import { loadVendors } from '../src/vendor-config.ts';

const stripe = { STRIPE_SECRET_KEY: 'sk_test_x', STRIPE_WEBHOOK_SECRET: 'whsec_x' };
const resend = { RESEND_API_KEY: 're_x', EMAIL_FROM: 'a@example.test' };

describe('loadVendors', () => {
  it('uses nothing that was not set up', () => {
    const none = {
      ai: undefined,
      email: undefined,
      payments: undefined,
      errors: undefined,
      webErrors: undefined,
    };
    expect(loadVendors({})).toEqual(none);
    // A variable that is set to nothing is not set.
    expect(loadVendors({ ANTHROPIC_API_KEY: '', STRIPE_SECRET_KEY: '' })).toEqual(none);
  });

  it('takes other addresses, without a slash that would be doubled', () => {
    const vendors = loadVendors({
      ...stripe,
      ...resend,
      ANTHROPIC_API_KEY: 'sk-x',
      ANTHROPIC_BASE_URL: 'http://127.0.0.1:4010/',
      ANTHROPIC_MODEL: 'claude-test-1',
      RESEND_BASE_URL: 'http://127.0.0.1:4020',
      STRIPE_API_BASE: 'http://127.0.0.1:4030',
      STRIPE_PRICE_PRO: 'price_1',
      SENTRY_DSN: 'http://key@127.0.0.1:4040/1',
      SENTRY_DSN_WEB: 'http://key@127.0.0.1:4040/2',
      SENTRY_TRACES_SAMPLE_RATE: '0.25',
    });
    expect(vendors.ai).toMatchObject({
      baseUrl: 'http://127.0.0.1:4010',
      model: 'claude-test-1',
    });
    expect(vendors.email?.via).toMatchObject({ kind: 'resend', baseUrl: 'http://127.0.0.1:4020' });
    expect(vendors.payments?.apiBase?.port).toBe('4030');
    expect(vendors.payments?.prices).toEqual({ pro: 'price_1' });
    expect(vendors.errors).toEqual({ dsn: 'http://key@127.0.0.1:4040/1', tracesSampleRate: 0.25 });
    expect(vendors.webErrors?.dsn).toBe('http://key@127.0.0.1:4040/2');
  });

  it('sends through a mail server where that is set', () => {
    const env = { SMTP_URL: 'smtp://127.0.0.1:1025', EMAIL_FROM: 'a@example.test' };
    expect(loadVendors(env).email?.via).toEqual({ kind: 'smtp', url: 'smtp://127.0.0.1:1025' });
  });

  it.each([
    [{ STRIPE_SECRET_KEY: 'sk_test_x' }, 'STRIPE_WEBHOOK_SECRET'],
    [{ RESEND_API_KEY: 're_x' }, 'EMAIL_FROM'],
    [{ ...resend, SMTP_URL: 'smtp://127.0.0.1:1025' }, 'RESEND_API_KEY and SMTP_URL'],
    [{ SMTP_URL: 'mail.example.test', EMAIL_FROM: 'a@example.test' }, 'SMTP_URL'],
    [{ SMTP_URL: 'smtp://', EMAIL_FROM: 'a@example.test' }, 'SMTP_URL'],
    [{ ...resend, RESEND_BASE_URL: 'resend' }, 'RESEND_BASE_URL'],
    [{ ANTHROPIC_API_KEY: 'sk-x', ANTHROPIC_BASE_URL: 'ftp://x' }, 'ANTHROPIC_BASE_URL'],
    [{ ...stripe, STRIPE_API_BASE: 'localhost:4030' }, 'STRIPE_API_BASE'],
    [{ SENTRY_DSN: 'key' }, 'SENTRY_DSN'],
    [{ SENTRY_TRACES_SAMPLE_RATE: '2' }, 'SENTRY_TRACES_SAMPLE_RATE'],
  ])('refuses %j', (env, name) => {
    expect(() => loadVendors(env)).toThrow(name);
  });

  it('repeats no value that may be a secret', () => {
    expect(() => loadVendors({ SENTRY_DSN: 'secret-key' })).not.toThrow('secret-key');
    expect(() => loadVendors({ SENTRY_DSN: 'secret-key' })).toThrow();
  });
});
