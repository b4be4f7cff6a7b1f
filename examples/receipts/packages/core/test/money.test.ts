import { describe, expect, it } from 'vitest';
import {
  type Currency,
  formatMoney,
  isCurrency,
  largestMinor,
  parseMoney,
  toDecimal,
  totalsByCurrency,
} from '../src/index.ts';

describe('parseMoney', () => {
  it.each<[string, Currency, number]>([
    ['12', 'EUR', 1200],
    ['12.5', 'EUR', 1250],
    ['12,50', 'EUR', 1250],
    [' 0.07 ', 'USD', 7],
    ['0', 'GBP', 0],
    ['1200', 'JPY', 1200],
  ])('reads %j in %s as %i', (text, currency, minor) => {
    expect(parseMoney(text, currency)).toEqual({ ok: true, value: { minor, currency } });
  });

  it.each([
    ['', 'EUR'],
    ['-1', 'EUR'],
    ['1e3', 'EUR'],
    ['1,000.00', 'USD'],
    ['12.', 'EUR'],
    ['٣', 'EUR'],
    ['12.345', 'EUR'],
    ['1.5', 'JPY'],
  ] as const)('refuses %j in %s', (text, currency) => {
    expect(parseMoney(text, currency).ok).toBe(false);
  });

  it('takes the largest amount and refuses one more', () => {
    expect(parseMoney('99999999.99', 'EUR')).toMatchObject({ value: { minor: largestMinor } });
    expect(parseMoney('100000000.00', 'EUR').ok).toBe(false);
  });

  it('reads back what toDecimal writes', () => {
    for (const minor of [0, 1, 9, 10, 99, 100, 12345]) {
      const money = { minor, currency: 'CHF' } as const;
      expect(parseMoney(toDecimal(money), 'CHF')).toEqual({ ok: true, value: money });
    }
  });
});

describe('formatMoney', () => {
  it('follows the currency', () => {
    expect(formatMoney({ minor: 123456, currency: 'EUR' })).toBe('€1,234.56');
    expect(formatMoney({ minor: 1234, currency: 'JPY' })).toBe('¥1,234');
  });
});

describe('totalsByCurrency', () => {
  it('keeps currencies apart and in order', () => {
    expect(
      totalsByCurrency([
        { minor: 1, currency: 'USD' },
        { minor: 10, currency: 'EUR' },
        { minor: 2, currency: 'USD' },
      ]),
    ).toEqual([
      { minor: 10, currency: 'EUR' },
      { minor: 3, currency: 'USD' },
    ]);
  });

  it('adds cents without rounding', () => {
    const cents = Array.from({ length: 10 }, () => ({ minor: 10, currency: 'EUR' as const }));
    expect(totalsByCurrency(cents)).toEqual([{ minor: 100, currency: 'EUR' }]);
  });
});

describe('isCurrency', () => {
  it('knows only its own list', () => {
    expect(isCurrency('EUR')).toBe(true);
    expect(isCurrency('toString')).toBe(false);
    expect(isCurrency(undefined)).toBe(false);
  });
});
