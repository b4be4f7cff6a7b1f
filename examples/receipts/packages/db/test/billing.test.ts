import { describe, expect, it } from 'vitest';
import { isOutdated, largestPlan, type Subscription } from '../src/index.ts';

const paid: Subscription = {
  subscriptionId: 'sub_1',
  customerId: 'cus_1',
  plan: 'pro',
  status: 'active',
  saidAt: new Date('2026-11-25T12:00:00Z'),
};
const cancelled: Subscription = { ...paid, plan: 'free', status: 'canceled' };
const earlier = new Date('2026-11-25T11:59:59Z');

describe('isOutdated', () => {
  it('believes what was said later, whatever comes first', () => {
    expect(isOutdated({ ...cancelled, saidAt: earlier }, paid)).toBe(true);
    expect(isOutdated(paid, { ...paid, saidAt: earlier })).toBe(false);
  });

  it('lets the end win within one second, in both orders', () => {
    expect(isOutdated(cancelled, paid)).toBe(false);
    expect(isOutdated(paid, cancelled)).toBe(true);
  });

  it('lets the beginning lose within one second, in both orders', () => {
    const begun: Subscription = { ...paid, plan: 'free', status: 'incomplete' };
    expect(isOutdated(begun, paid)).toBe(true);
    expect(isOutdated(paid, begun)).toBe(false);
    expect(isOutdated(begun, cancelled)).toBe(true);
    expect(isOutdated(begun, begun)).toBe(false);
  });
});

describe('largestPlan', () => {
  it('is free without a subscription, and does not depend on the order', () => {
    expect(largestPlan([])).toBe('free');
    expect(largestPlan([cancelled, paid])).toBe('pro');
    expect(largestPlan([paid, cancelled, { ...paid, plan: 'business' }])).toBe('business');
  });
});
