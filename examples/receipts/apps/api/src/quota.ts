import { type PlanId, upgradeOf } from '@receipts/core';
import type { Usage } from '@receipts/metering';
import { ApiError } from './errors.ts';

/** 402 rather than 429: waiting a moment does not help, a larger plan does. */
export function quotaError(plan: PlanId, usage: Usage): ApiError {
  return new ApiError(402, 'quota_exhausted', 'All receipts of this month are used.', {
    meter: 'receipts',
    plan,
    used: usage.used,
    limit: usage.limit,
    resetsAt: usage.resetsAt,
    upgradeTo: upgradeOf(plan)?.id ?? null,
  });
}
