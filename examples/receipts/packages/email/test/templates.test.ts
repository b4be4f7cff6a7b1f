import { describe, expect, it } from 'vitest';
import { escapeHtml, quotaExhausted, receiptSaved, welcome } from '../src/index.ts';

const to = 'ada@example.test';

describe('templates', () => {
  it('greet by name', () => {
    const message = welcome(to, 'Ada');
    expect(message).toMatchObject({ to, subject: 'Welcome to Receipts' });
    expect(message.text).toContain('Hello Ada,');
  });

  it('name merchant, day and total', () => {
    const message = receiptSaved(to, {
      merchant: 'Corner Bakery',
      purchasedOn: '2026-11-24',
      total: { minor: 1250, currency: 'EUR' },
    });
    expect(message.subject).toBe('Saved: Corner Bakery, €12.50');
    expect(message.text).toContain('2026-11-24');
  });

  it('offer the next plan where there is one', () => {
    const resetsAt = new Date('2026-12-01T00:00:00Z');
    expect(quotaExhausted(to, 'free', resetsAt).text).toContain('The Pro plan keeps 200');
    expect(quotaExhausted(to, 'free', resetsAt).text).toContain('again on 2026-12-01');
    expect(quotaExhausted(to, 'business', resetsAt).text).not.toContain('plan keeps');
  });

  it('let no merchant write markup or headers', () => {
    const message = receiptSaved(to, {
      merchant: '<img src=x>\r\nBcc: everyone@example.test',
      purchasedOn: '2026-11-24',
      total: { minor: 1, currency: 'USD' },
    });
    expect(message.html).not.toContain('<img');
    expect(message.html).toContain('&lt;img');
    expect(message.subject).not.toMatch(/[\r\n]/);
  });
});

describe('escapeHtml', () => {
  it('escapes each special character once', () => {
    expect(escapeHtml(`<a href="x">'&'</a>`)).toBe(
      '&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt;',
    );
  });
});
