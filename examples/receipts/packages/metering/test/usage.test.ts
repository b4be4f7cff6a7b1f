import { describe, expect, it } from 'vitest';
import { usageOf } from '../src/index.ts';

const resetsAt = new Date('2026-12-01T00:00:00Z');

describe('usageOf', () => {
  it.each([
    [0, 10, 'comfortable', 10],
    [7, 10, 'comfortable', 3],
    [8, 10, 'near', 2],
    [9, 10, 'near', 1],
    [10, 10, 'exhausted', 0],
    [0, 0, 'exhausted', 0],
  ] as const)('%i of %i is %s', (used, limit, level, remaining) => {
    expect(usageOf(used, limit, resetsAt)).toEqual({ used, limit, level, remaining, resetsAt });
  });

  it('never answers less than nothing after a change to a smaller plan', () => {
    expect(usageOf(150, 10, resetsAt)).toMatchObject({ remaining: 0, level: 'exhausted' });
  });
});
