import type { Extraction, Money, PlanId, ReceiptDraft } from '@receipts/core';
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
  readonly workspace: {
    readonly name: string;
    readonly plan: PlanId;
    /** Whether a subscription pays for the plan. */
    readonly subscribed: boolean;
  };
  readonly usage: Usage;
  readonly readings: Usage;
}

export const loadAccount = (): Promise<Account> => request<Account>('/api/usage');

export async function loadReceipts(): Promise<readonly Receipt[]> {
  const { receipts } = await request<{ receipts: Receipt[] }>('/api/receipts');
  return receipts;
}

/** Sent as a form, so that a file can travel along. */
export const addReceipt = (form: FormData): Promise<unknown> =>
  request('/api/receipts', { method: 'POST', body: form });

export const changeReceipt = (id: string, draft: ReceiptDraft): Promise<unknown> =>
  request(`/api/receipts/${encodeURIComponent(id)}`, {
    method: 'PATCH',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(draft),
  });

export interface Reading extends Extraction {
  /** Only a whole reading is counted. */
  readonly charged: boolean;
}

/** Has the AI read a file. Nothing is kept of it. */
export async function readFile(file: File): Promise<Reading> {
  const form = new FormData();
  form.set('file', file);
  const answer = await request<{ reading: Reading }>('/api/readings', {
    method: 'POST',
    body: form,
  });
  return answer.reading;
}

export const deleteReceipt = (id: string): Promise<unknown> =>
  request(`/api/receipts/${encodeURIComponent(id)}`, { method: 'DELETE' });

export const fileUrl = (id: string): string => `/api/receipts/${encodeURIComponent(id)}/file`;
