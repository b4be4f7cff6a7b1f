export type BillingReturn = 'done' | 'cancelled' | undefined;

/** How somebody came back from the payment page. */
export function readBillingReturn(search: string): BillingReturn {
  const value = new URLSearchParams(search).get('billing');
  return value === 'done' || value === 'cancelled' ? value : undefined;
}
