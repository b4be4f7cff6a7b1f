import { ok, type Result, refused } from './result.ts';

/** Digits after the decimal point, per ISO 4217. */
const fractionDigits = { CHF: 2, EUR: 2, GBP: 2, JPY: 0, USD: 2 } as const;

export type Currency = keyof typeof fractionDigits;

export const currencies = Object.keys(fractionDigits) as readonly Currency[];

/** An amount in the currency's smallest unit, so that no sum is ever rounded. */
export interface Money {
  readonly minor: number;
  readonly currency: Currency;
}

/** Larger than any receipt, and far from where a double stops being exact. */
export const largestMinor = 99_999_999_99;

export function isCurrency(value: unknown): value is Currency {
  return typeof value === 'string' && Object.hasOwn(fractionDigits, value);
}

/** Reads what a person types: `12`, `12.5`, `12,50`. Thousands separators are refused, not guessed. */
export function parseMoney(text: string, currency: Currency): Result<Money, string> {
  const match = /^(\d{1,10})(?:[.,](\d+))?$/.exec(text.trim());
  if (match === null) {
    return refused('Write the amount as digits, such as 12.50.');
  }
  const digits = fractionDigits[currency];
  const fraction = match[2] ?? '';
  if (fraction.length > digits) {
    return refused(
      digits === 0 ? `${currency} has no decimals.` : `${currency} has at most ${digits} decimals.`,
    );
  }
  const minor = Number(`${match[1] ?? ''}${fraction.padEnd(digits, '0')}`);
  if (minor > largestMinor) {
    return refused('The amount is too large.');
  }
  return ok({ minor, currency });
}

/** The plain decimal form that parseMoney reads back. */
export function toDecimal({ minor, currency }: Money): string {
  const digits = fractionDigits[currency];
  if (digits === 0) {
    return String(minor);
  }
  const padded = String(minor).padStart(digits + 1, '0');
  return `${padded.slice(0, -digits)}.${padded.slice(-digits)}`;
}

export function formatMoney(money: Money, locale = 'en'): string {
  const formatter = new Intl.NumberFormat(locale, { style: 'currency', currency: money.currency });
  return formatter.format(money.minor / 10 ** fractionDigits[money.currency]);
}

/** One sum per currency, ordered by currency code: amounts of different currencies never mix. */
export function totalsByCurrency(amounts: Iterable<Money>): Money[] {
  const sums = new Map<Currency, number>();
  for (const { minor, currency } of amounts) {
    sums.set(currency, (sums.get(currency) ?? 0) + minor);
  }
  return [...sums]
    .map(([currency, minor]) => ({ currency, minor }))
    .sort((a, b) => a.currency.localeCompare(b.currency));
}
