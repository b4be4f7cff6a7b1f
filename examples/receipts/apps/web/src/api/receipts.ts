import type { Money, PlanId } from '@receipts/core';
import { request } from './http.ts';

export interface Receipt {
  readonly id: string;
  readonly merchant: string;
  readonly purchasedOn: string;
  readonly total: Money;
  readonly note: string;
  readonly fileName: string | null;
}

export interface Usage {
  readonly used: number;
  readonly limit: number;
  readonly remaining: number;
  readonly level: 'comfortable' | 'near' | 'exhausted';
  readonly resetsAt: string;
}

export interface Account {
  readonly workspace: { readonly name: string; readonly plan: PlanId };
  readonly usage: Usage;
}

export const loadAccount = (): Promise<Account> => request<Account>('/api/usage');

export async function loadReceipts(): Promise<readonly Receipt[]> {
  const { receipts } = await request<{ receipts: Receipt[] }>('/api/receipts');
  return receipts;
}

/** Sent as a form, so that a file can travel along. */
export const addReceipt = (form: FormData): Promise<unknown> =>
  request('/api/receipts', { method: 'POST', body: form });

export const deleteReceipt = (id: string): Promise<unknown> =>
  request(`/api/receipts/${encodeURIComponent(id)}`, { method: 'DELETE' });

export const fileUrl = (id: string): string => `/api/receipts/${encodeURIComponent(id)}/file`;
