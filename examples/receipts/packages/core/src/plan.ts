/** What a tenant may use in a calendar month. */
export interface Plan {
  readonly id: PlanId;
  readonly name: string;
  readonly receiptsPerMonth: number;
}

export type PlanId = 'free' | 'pro' | 'business';

export const plans: Readonly<Record<PlanId, Plan>> = {
  free: { id: 'free', name: 'Free', receiptsPerMonth: 10 },
  pro: { id: 'pro', name: 'Pro', receiptsPerMonth: 200 },
  business: { id: 'business', name: 'Business', receiptsPerMonth: 2000 },
};

const ladder = [plans.free, plans.pro, plans.business] as const;

export function isPlanId(value: unknown): value is PlanId {
  return typeof value === 'string' && Object.hasOwn(plans, value);
}

/** The next larger plan, or undefined for the largest. */
export function upgradeOf(plan: PlanId): Plan | undefined {
  return ladder.find((other) => other.receiptsPerMonth > plans[plan].receiptsPerMonth);
}

/** The smallest plan that holds this many receipts a month. */
export function smallestPlanFor(receiptsPerMonth: number): Plan | undefined {
  return ladder.find((plan) => plan.receiptsPerMonth >= receiptsPerMonth);
}
