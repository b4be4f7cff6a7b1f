import { describe, expect, it } from 'vitest';
import { longDate, today } from '../src/dates.ts';

describe('longDate', () => {
  it('writes the day that was meant, in every time zone', () => {
    expect(longDate('2026-11-25')).toBe('November 25, 2026');
    expect(longDate('2026-01-01')).toBe('January 1, 2026');
  });
});

describe('today', () => {
  it('is the day on the wall, padded', () => {
    expect(today(new Date(2026, 0, 5, 23, 59))).toBe('2026-01-05');
  });
});
