import { describe, expect, it } from 'vitest';
import { isPaidPlan, isPlanId, limitOf, plans, smallestPlanFor, upgradeOf } from '../src/index.ts';

describe('plans', () => {
  it('are climbed one step at a time', () => {
    expect(upgradeOf('free')).toBe(plans.pro);
    expect(upgradeOf('pro')).toBe(plans.business);
    expect(upgradeOf('business')).toBeUndefined();
  });

  it('fit up to their quota, inclusive', () => {
    expect(smallestPlanFor(0)).toBe(plans.free);
    expect(smallestPlanFor(plans.free.receiptsPerMonth)).toBe(plans.free);
    expect(smallestPlanFor(plans.free.receiptsPerMonth + 1)).toBe(plans.pro);
    expect(smallestPlanFor(plans.business.receiptsPerMonth + 1)).toBeUndefined();
  });

  it('give more for more money', () => {
    const ladder = [plans.free, plans.pro, plans.business];
    for (const meter of ['receipts', 'readings'] as const) {
      const limits = ladder.map(({ id }) => limitOf(id, meter));
      expect(limits).toEqual([...limits].sort((a, b) => a - b));
    }
    expect(ladder.map(({ id }) => isPaidPlan(id))).toEqual([false, true, true]);
  });

  it('are known by their id only', () => {
    expect(isPlanId('pro')).toBe(true);
    expect(isPlanId('constructor')).toBe(false);
    expect(isPlanId(null)).toBe(false);
  });
});
