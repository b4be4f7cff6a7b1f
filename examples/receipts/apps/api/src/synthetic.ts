import { createHash, timingSafeEqual } from 'node:crypto';
import { monthOf } from '@receipts/metering';
import type { HonoRequest } from 'hono';
import { ApiError } from './errors.ts';

/** Whether a request is a test of the deployment. Only with the key: anybody else's is a person's. */
export function isSynthetic(request: HonoRequest, key: string | undefined): boolean {
  const given = request.header('x-synthetic');
  if (given === undefined || key === undefined) {
    return false;
  }
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(key));
}

/**
 * The moment as which a request is counted. A test that is to see the quota start again may have it
 * counted in the coming month: it takes from what the tenant has then, so no plan ever gives more.
 */
export function countedAt(request: HonoRequest, key: string | undefined, now: Date): Date {
  const month = request.header('x-synthetic-month');
  if (month === undefined) {
    return now;
  }
  if (!isSynthetic(request, key)) {
    throw new ApiError(403, 'not_synthetic', 'Only a test of this deployment chooses its month.');
  }
  if (month !== 'next') {
    throw new ApiError(400, 'bad_month', 'The month of a test is "next", or the current one.');
  }
  return monthOf(now).resetsAt;
}
