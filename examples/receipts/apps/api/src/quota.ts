import { type MeterName, type PlanId, upgradeOf } from '@receipts/core';
import type { Usage } from '@receipts/metering';
import { ApiError } from './errors.ts';

/** 402 rather than 429: waiting a moment does not help, a larger plan does. */
export function quotaError(meter: MeterName, plan: PlanId, usage: Usage): ApiError {
  return new ApiError(402, 'quota_exhausted', `All ${words[meter]} of this month are used.`, {
    meter,
    plan,
    used: usage.used,
    limit: usage.limit,
    resetsAt: usage.resetsAt,
    upgradeTo: upgradeOf(plan)?.id ?? null,
  });
}

const words: Readonly<Record<MeterName, string>> = {
  receipts: 'receipts',
  readings: 'AI readings',
};
