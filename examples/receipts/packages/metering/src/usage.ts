/** How much of a quota is gone, and when it starts again. */
export interface Usage {
  readonly used: number;
  readonly limit: number;
  readonly remaining: number;
  readonly level: UsageLevel;
  readonly resetsAt: Date;
}

export type UsageLevel = 'comfortable' | 'near' | 'exhausted';

/** From here on people are told that the quota runs out. */
const nearShare = 0.8;

export function usageOf(used: number, limit: number, resetsAt: Date): Usage {
  // After a change to a smaller plan more may be used than the limit allows.
  const remaining = Math.max(0, limit - used);
  return { used, limit, remaining, level: levelOf(used, limit), resetsAt };
}

function levelOf(used: number, limit: number): UsageLevel {
  if (used >= limit) {
    return 'exhausted';
  }
  return used >= limit * nearShare ? 'near' : 'comfortable';
}
