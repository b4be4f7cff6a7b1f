import { describe, expect, it } from 'vitest';
import { isPlanId, plans, smallestPlanFor, upgradeOf } from '../src/index.ts';

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

  it('are known by their id only', () => {
    expect(isPlanId('pro')).toBe(true);
    expect(isPlanId('constructor')).toBe(false);
    expect(isPlanId(null)).toBe(false);
  });
});
