import { describe, expect, it } from 'vitest';
import { checkReceipt, isCalendarDate, limits, type ReceiptDraft, toDraft } from '../src/index.ts';

const now = new Date('2026-11-25T12:00:00Z');

const draft = (changes: Partial<ReceiptDraft> = {}): ReceiptDraft => ({
  merchant: 'Corner Bakery',
  purchasedOn: '2026-11-24',
  amount: '12.50',
  currency: 'EUR',
  note: '',
  ...changes,
});

describe('checkReceipt', () => {
  it('accepts a complete draft', () => {
    expect(checkReceipt(draft(), now)).toEqual({
      ok: true,
      value: {
        merchant: 'Corner Bakery',
        purchasedOn: '2026-11-24',
        total: { minor: 1250, currency: 'EUR' },
        note: '',
      },
    });
  });

  it('tidies the white space', () => {
    const checked = checkReceipt(draft({ merchant: '  Corner \n Bakery ', note: ' lunch ' }), now);
    expect(checked).toMatchObject({ value: { merchant: 'Corner Bakery', note: 'lunch' } });
  });

  it('names every field that is wrong, not only the first', () => {
    const empty = toDraft({});
    const checked = checkReceipt(empty, now);
    expect(checked.ok).toBe(false);
    expect(checked).toMatchObject({
      error: {
        merchant: expect.any(String) as string,
        purchasedOn: expect.any(String) as string,
        currency: expect.any(String) as string,
      },
    });
  });

  it.each<[keyof ReceiptDraft, string]>([
    ['merchant', '   '],
    ['merchant', 'x'.repeat(limits.merchant + 1)],
    ['purchasedOn', '2026-02-30'],
    ['purchasedOn', '1989-12-31'],
    ['purchasedOn', '2026-11-27'],
    ['amount', 'twelve'],
    ['currency', 'XXX'],
    ['note', 'x'.repeat(limits.note + 1)],
  ])('refuses %s %j alone', (field, value) => {
    const checked = checkReceipt(draft({ [field]: value }), now);
    expect(checked.ok ? [] : Object.keys(checked.error)).toEqual([field]);
  });

  it('takes tomorrow where tomorrow has begun somewhere', () => {
    const evening = new Date('2026-11-25T12:00:00Z');
    const morning = new Date('2026-11-25T09:00:00Z');
    expect(checkReceipt(draft({ purchasedOn: '2026-11-26' }), evening).ok).toBe(true);
    expect(checkReceipt(draft({ purchasedOn: '2026-11-26' }), morning).ok).toBe(false);
  });
});

describe('toDraft', () => {
  it('turns what is no string into nothing', () => {
    expect(toDraft({ merchant: 7, amount: null, note: ['a'], currency: 'EUR' })).toEqual({
      merchant: '',
      purchasedOn: '',
      amount: '',
      currency: 'EUR',
      note: '',
    });
  });
});

describe('isCalendarDate', () => {
  it('knows leap years', () => {
    expect(isCalendarDate('2024-02-29')).toBe(true);
    expect(isCalendarDate('2026-02-29')).toBe(false);
    expect(isCalendarDate('2026-13-01')).toBe(false);
    expect(isCalendarDate('26-01-01')).toBe(false);
  });
});
