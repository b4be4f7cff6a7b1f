import type { Money } from './money.ts';

/** What a tenant may use in a calendar month, and what that costs. */
export interface Plan {
  readonly id: PlanId;
  readonly name: string;
  readonly receiptsPerMonth: number;
  /** Files that the AI reads; a reading that fails is not counted. */
  readonly readingsPerMonth: number;
  readonly monthly: Money;
}

export type PlanId = 'free' | 'pro' | 'business';

export const plans: Readonly<Record<PlanId, Plan>> = {
  free: {
    id: 'free',
    name: 'Free',
    receiptsPerMonth: 10,
    readingsPerMonth: 5,
    monthly: { minor: 0, currency: 'EUR' },
  },
  pro: {
    id: 'pro',
    name: 'Pro',
    receiptsPerMonth: 200,
    readingsPerMonth: 200,
    monthly: { minor: 900, currency: 'EUR' },
  },
  business: {
    id: 'business',
    name: 'Business',
    receiptsPerMonth: 2000,
    readingsPerMonth: 2000,
    monthly: { minor: 4900, currency: 'EUR' },
  },
};

/** What is counted against a plan. */
export type MeterName = 'receipts' | 'readings';

export function limitOf(plan: PlanId, meter: MeterName): number {
  const { receiptsPerMonth, readingsPerMonth } = plans[plan];
  return meter === 'receipts' ? receiptsPerMonth : readingsPerMonth;
}

const ladder = [plans.free, plans.pro, plans.business] as const;

export function isPlanId(value: unknown): value is PlanId {
  return typeof value === 'string' && Object.hasOwn(plans, value);
}

/** Whether a plan costs something: it is bought, and it ends when it is not paid. */
export function isPaidPlan(plan: PlanId): boolean {
  return plans[plan].monthly.minor > 0;
}

/** The next larger plan, or undefined for the largest. */
export function upgradeOf(plan: PlanId): Plan | undefined {
  return ladder.find((other) => other.receiptsPerMonth > plans[plan].receiptsPerMonth);
}

/** The smallest plan that holds this many receipts a month. */
export function smallestPlanFor(receiptsPerMonth: number): Plan | undefined {
  return ladder.find((plan) => plan.receiptsPerMonth >= receiptsPerMonth);
}
