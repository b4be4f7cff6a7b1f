import { limitOf, type MeterName, type PlanId } from '@receipts/core';
import { type Month, monthOf } from './month.ts';
import type { CounterKey, UsageStore } from './store.ts';
import { type Usage, usageOf } from './usage.ts';

/** Whether the units were counted, in which month, and where the quota stands. */
export type Consumption = { readonly allowed: boolean; readonly month: string } & Usage;

export interface Subscriber {
  readonly tenantId: string;
  readonly plan: PlanId;
}

/** Counts one thing against the plan of a tenant, month by month. */
export class Meter {
  private readonly name: MeterName;
  private readonly store: UsageStore;
  private readonly now: () => Date;

  constructor(name: MeterName, store: UsageStore, now: () => Date) {
    this.name = name;
    this.store = store;
    this.now = now;
  }

  async consume(subscriber: Subscriber, units = 1): Promise<Consumption> {
    checkUnits(units);
    const limit = limitOf(subscriber.plan, this.name);
    const month = monthOf(this.now());
    const key = this.key(subscriber, month.id);
    const used = units > limit ? undefined : await this.store.add(key, units, limit);
    return {
      allowed: used !== undefined,
      month: month.id,
      ...usageOf(used ?? (await this.store.read(key)), limit, month.resetsAt),
    };
  }

  /** Takes units back that were counted in this month for something that then failed. */
  async giveBack(subscriber: Subscriber, month: string, units = 1): Promise<void> {
    checkUnits(units);
    await this.store.remove(this.key(subscriber, month), units);
  }

  async usage(subscriber: Subscriber): Promise<Usage> {
    const month: Month = monthOf(this.now());
    const used = await this.store.read(this.key(subscriber, month.id));
    return usageOf(used, limitOf(subscriber.plan, this.name), month.resetsAt);
  }

  private key(subscriber: Subscriber, month: string): CounterKey {
    return { tenantId: subscriber.tenantId, meter: this.name, month };
  }
}

function checkUnits(units: number): void {
  if (!Number.isSafeInteger(units) || units < 1) {
    throw new RangeError(`Units must be a positive whole number, not ${units}.`);
  }
}
