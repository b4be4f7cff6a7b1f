/** What is counted, for whom, in which month. */
export interface CounterKey {
  readonly tenantId: string;
  readonly meter: string;
  readonly month: string;
}

/** Where the counts are kept. */
export interface UsageStore {
  /**
   * Adds the units if the sum stays within the limit, and answers the new count; otherwise changes
   * nothing and answers undefined. Must be atomic: of two callers at the edge exactly one passes.
   */
  add(key: CounterKey, units: number, limit: number): Promise<number | undefined>;

  /** Takes units away again, never below nothing. */
  remove(key: CounterKey, units: number): Promise<void>;

  read(key: CounterKey): Promise<number>;
}
