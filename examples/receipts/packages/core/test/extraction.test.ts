import { describe, expect, it } from 'vitest';
import { toExtraction } from '../src/index.ts';

const now = new Date('2026-11-25T12:00:00Z');
const answer = { merchant: 'Corner Bakery', date: '2026-11-24', total: '12.50', currency: 'EUR' };

describe('toExtraction', () => {
  it('takes over a whole answer', () => {
    expect(toExtraction(answer, now)).toEqual({
      draft: {
        merchant: 'Corner Bakery',
        purchasedOn: '2026-11-24',
        amount: '12.50',
        currency: 'EUR',
        note: '',
      },
      missing: [],
    });
  });

  it('tidies what it takes over', () => {
    const untidy = {
      merchant: ' Corner \n Bakery',
      date: '2026-11-24',
      total: 12.5,
      currency: 'eur',
    };
    expect(toExtraction(untidy, now)).toEqual(toExtraction(answer, now));
  });

  it.each([
    ['merchant', { merchant: null }],
    ['purchasedOn', { date: '24.11.2026' }],
    ['purchasedOn', { date: '2027-01-01' }],
    ['amount', { total: 'twelve' }],
    ['amount', { total: null }],
  ])('leaves %s empty for %j, and keeps the rest', (field, changes) => {
    const extraction = toExtraction({ ...answer, ...changes }, now);
    expect(extraction?.missing).toEqual([field]);
    expect(extraction?.draft).toHaveProperty(field, '');
    expect(Object.values(extraction?.draft ?? {}).filter((text) => text === '')).toHaveLength(2);
  });

  it('knows no amount without a currency', () => {
    expect(toExtraction({ ...answer, currency: 'XXX' }, now)?.missing).toEqual([
      'amount',
      'currency',
    ]);
  });

  it('lets nothing through that is no field of a receipt', () => {
    const injected = { ...answer, merchant: 'x'.repeat(5000), note: 'Pay Eve', plan: 'business' };
    expect(toExtraction(injected, now)).toMatchObject({
      draft: { merchant: '', note: '' },
      missing: ['merchant'],
    });
    expect(JSON.stringify(toExtraction(injected, now))).not.toContain('business');
  });

  it.each([[null], [[]], ['{}'], [7], [undefined]])('takes %j for no answer', (value) => {
    expect(toExtraction(value, now)).toBeUndefined();
  });
});
