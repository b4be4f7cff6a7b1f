import type { CounterKey, UsageStore } from './store.ts';

/** Keeps the counts in this process: for tests and for trying things out. */
export class MemoryUsageStore implements UsageStore {
  private readonly counts = new Map<string, number>();

  add(key: CounterKey, units: number, limit: number): Promise<number | undefined> {
    const used = this.count(key) + units;
    if (used > limit) {
      return Promise.resolve(undefined);
    }
    this.counts.set(idOf(key), used);
    return Promise.resolve(used);
  }

  remove(key: CounterKey, units: number): Promise<void> {
    this.counts.set(idOf(key), Math.max(0, this.count(key) - units));
    return Promise.resolve();
  }

  read(key: CounterKey): Promise<number> {
    return Promise.resolve(this.count(key));
  }

  private count(key: CounterKey): number {
    return this.counts.get(idOf(key)) ?? 0;
  }
}

const idOf = (key: CounterKey): string => JSON.stringify([key.tenantId, key.meter, key.month]);
