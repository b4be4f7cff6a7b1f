import { isCurrency, toDecimal } from './money.ts';
import { checkReceipt, type NewReceipt, type ReceiptDraft } from './receipt.ts';

/** What has to be read off a receipt. */
export const readFields = ['merchant', 'purchasedOn', 'amount', 'currency'] as const;

export type ReadField = (typeof readFields)[number];

/** What was read off a file: ready to be put into the form, where a person looks it over. */
export interface Extraction {
  readonly draft: ReceiptDraft;
  /** Fields that could not be read, or not in a way that a receipt may have. */
  readonly missing: readonly ReadField[];
}

/** The shape in which a model is asked to answer, as JSON Schema. */
export const extractionSchema = {
  type: 'object',
  properties: {
    merchant: field('Name of the shop or company, as printed.'),
    date: field('Day of the purchase as YYYY-MM-DD.'),
    total: field('Amount paid, tax included: digits and a decimal point only, such as 12.50.'),
    currency: field('ISO 4217 code of the currency, such as EUR.'),
  },
  required: ['merchant', 'date', 'total', 'currency'],
  additionalProperties: false,
};

function field(description: string) {
  return { description, anyOf: [{ type: 'string' }, { type: 'null' }] };
}

/**
 * Takes over what a model answered, field by field, by the rules for receipts that people type in:
 * whatever stood in the file, nothing else gets into the form. Undefined where it is no answer.
 */
export function toExtraction(answer: unknown, now: Date): Extraction | undefined {
  if (typeof answer !== 'object' || answer === null || Array.isArray(answer)) {
    return undefined;
  }
  const { merchant, date, total, currency } = answer as Readonly<Record<string, unknown>>;
  const draft: ReceiptDraft = {
    merchant: text(merchant),
    purchasedOn: text(date),
    amount: text(total),
    currency: text(currency).toUpperCase(),
    note: '',
  };
  const checked = checkReceipt(draft, now);
  if (checked.ok) {
    return { draft: toDraft(checked.value), missing: [] };
  }
  // An amount is only checked in a known currency.
  const unreadable = (name: ReadField): boolean =>
    name in checked.error || (name === 'amount' && !isCurrency(draft.currency));
  const missing = readFields.filter(unreadable);
  const kept = (name: ReadField): string => (missing.includes(name) ? '' : draft[name].trim());
  return {
    draft: {
      merchant: kept('merchant'),
      purchasedOn: kept('purchasedOn'),
      amount: kept('amount'),
      currency: kept('currency'),
      note: '',
    },
    missing,
  };
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '';
}

function toDraft({ merchant, purchasedOn, total }: NewReceipt): ReceiptDraft {
  return { merchant, purchasedOn, amount: toDecimal(total), currency: total.currency, note: '' };
}
