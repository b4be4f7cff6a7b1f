import { isCalendarDate, latestDayOnEarth } from './calendar-date.ts';
import { isCurrency, type Money, parseMoney } from './money.ts';
import { ok, type Result, refused } from './result.ts';

/** A receipt as somebody typed it in: nothing about it is known to be right. */
export interface ReceiptDraft {
  readonly merchant: string;
  readonly purchasedOn: string;
  readonly amount: string;
  readonly currency: string;
  readonly note: string;
}

/** A receipt that passed every rule. */
export interface NewReceipt {
  readonly merchant: string;
  readonly purchasedOn: string;
  readonly total: Money;
  readonly note: string;
}

export type FieldErrors = Partial<Record<keyof ReceiptDraft, string>>;

export const limits = { merchant: 120, note: 500, earliest: '1990-01-01' } as const;

/** Picks the draft's fields out of a request body; what is absent or no string becomes empty. */
export function toDraft(body: Readonly<Record<string, unknown>>): ReceiptDraft {
  const text = (name: keyof ReceiptDraft): string => {
    const value = body[name];
    return typeof value === 'string' ? value : '';
  };
  return {
    merchant: text('merchant'),
    purchasedOn: text('purchasedOn'),
    amount: text('amount'),
    currency: text('currency'),
    note: text('note'),
  };
}

/** Checks every field, so that a form can show all of its errors at once. */
export function checkReceipt(draft: ReceiptDraft, now: Date): Result<NewReceipt, FieldErrors> {
  const errors: FieldErrors = {};

  const merchant = draft.merchant.trim().replaceAll(/\s+/g, ' ');
  if (merchant === '') {
    errors.merchant = 'Say where you bought it.';
  } else if (merchant.length > limits.merchant) {
    errors.merchant = `At most ${limits.merchant} characters.`;
  }

  const purchasedOn = draft.purchasedOn.trim();
  if (!isCalendarDate(purchasedOn)) {
    errors.purchasedOn = 'Write the date as year-month-day, such as 2026-11-25.';
  } else if (purchasedOn < limits.earliest) {
    errors.purchasedOn = `Receipts are kept from ${limits.earliest} on.`;
  } else if (purchasedOn > latestDayOnEarth(now)) {
    errors.purchasedOn = 'This day has not come yet.';
  }

  const note = draft.note.trim();
  if (note.length > limits.note) {
    errors.note = `At most ${limits.note} characters.`;
  }

  let total: Money | undefined;
  if (!isCurrency(draft.currency)) {
    errors.currency = 'Choose a currency from the list.';
  } else {
    const parsed = parseMoney(draft.amount, draft.currency);
    if (parsed.ok) {
      total = parsed.value;
    } else {
      errors.amount = parsed.error;
    }
  }

  if (total === undefined || Object.keys(errors).length > 0) {
    return refused(errors);
  }
  return ok({ merchant, purchasedOn, total, note });
}
