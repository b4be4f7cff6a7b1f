import { type Extraction, type ReadField, type ReceiptDraft, readFields } from '@receipts/core';

const words: Readonly<Record<ReadField, string>> = {
  merchant: 'merchant',
  purchasedOn: 'date',
  amount: 'amount',
  currency: 'currency',
};

/** What was read goes over what was typed; where nothing was read, what was typed stays. */
export function mergeDraft(typed: ReceiptDraft, { draft, missing }: Extraction): ReceiptDraft {
  const merged = { ...typed };
  for (const name of readFields) {
    if (!missing.includes(name)) {
      merged[name] = draft[name];
    }
  }
  return merged;
}

/** Says what was read, and what is left to do. */
export function describeReading({ missing }: Extraction): string {
  if (missing.length === 0) {
    return 'Read by AI. Look it over before you add it.';
  }
  const names = missing.map((name) => words[name]);
  const last = names.pop() ?? '';
  const list = names.length === 0 ? last : `${names.join(', ')} and ${last}`;
  return `Only a part could be read, and was not counted. Fill in the ${list}.`;
}
