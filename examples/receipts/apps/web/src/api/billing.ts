import type { PlanId } from '@receipts/core';
import { postJson } from './http.ts';

interface Page {
  readonly url: string;
}

/** Answers the address of the page on which the plan is paid for. */
export async function checkout(plan: PlanId): Promise<string> {
  return (await postJson<Page>('/api/billing/checkout', { plan })).url;
}

/** Answers the address of the page on which the subscription is changed or ended. */
export async function portal(): Promise<string> {
  return (await postJson<Page>('/api/billing/portal', {})).url;
}
