import { type PlanId, plans } from '@receipts/core';
import { type Month, monthOf } from './month.ts';
import type { CounterKey, UsageStore } from './store.ts';
import { type Usage, usageOf } from './usage.ts';

export type Consumption = { readonly allowed: boolean } & Usage;

export interface Subscriber {
  readonly tenantId: string;
  readonly plan: PlanId;
}

/** Counts receipts against the plan of a tenant, month by month. */
export class ReceiptMeter {
  private readonly store: UsageStore;
  private readonly now: () => Date;

  constructor(store: UsageStore, now: () => Date) {
    this.store = store;
    this.now = now;
  }

  async consume(subscriber: Subscriber, units = 1): Promise<Consumption> {
    if (!Number.isSafeInteger(units) || units < 1) {
      throw new RangeError(`Units must be a positive whole number, not ${units}.`);
    }
    const limit = plans[subscriber.plan].receiptsPerMonth;
    const month = monthOf(this.now());
    const key = keyOf(subscriber, month);
    const used = units > limit ? undefined : await this.store.add(key, units, limit);
    if (used === undefined) {
      const count = await this.store.read(key);
      return { allowed: false, ...usageOf(count, limit, month.resetsAt) };
    }
    return { allowed: true, ...usageOf(used, limit, month.resetsAt) };
  }

  async usage(subscriber: Subscriber): Promise<Usage> {
    const month = monthOf(this.now());
    const used = await this.store.read(keyOf(subscriber, month));
    return usageOf(used, plans[subscriber.plan].receiptsPerMonth, month.resetsAt);
  }
}

function keyOf(subscriber: Subscriber, month: Month): CounterKey {
  return { tenantId: subscriber.tenantId, meter: 'receipts', month: month.id };
}
