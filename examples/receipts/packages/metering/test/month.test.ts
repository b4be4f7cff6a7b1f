import { describe, expect, it } from 'vitest';
import { monthOf } from '../src/index.ts';

describe('monthOf', () => {
  it.each([
    ['2026-11-01T00:00:00.000Z', '2026-11', '2026-12-01T00:00:00.000Z'],
    ['2026-11-30T23:59:59.999Z', '2026-11', '2026-12-01T00:00:00.000Z'],
    ['2026-12-31T23:59:59.999Z', '2026-12', '2027-01-01T00:00:00.000Z'],
    ['2024-02-29T10:00:00.000Z', '2024-02', '2024-03-01T00:00:00.000Z'],
  ])('puts %s into %s', (moment, id, resetsAt) => {
    const month = monthOf(new Date(moment));
    expect(month.id).toBe(id);
    expect(month.resetsAt.toISOString()).toBe(resetsAt);
  });

  it('does not depend on the time zone of the writer', () => {
    expect(monthOf(new Date('2026-12-01T01:00:00+02:00')).id).toBe('2026-11');
  });
});
