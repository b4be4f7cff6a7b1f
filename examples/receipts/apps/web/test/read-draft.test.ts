import type { Extraction, ReceiptDraft } from '@receipts/core';
import { describe, expect, it } from 'vitest';
import { readBillingReturn } from '../src/billing-return.ts';
import { describeReading, mergeDraft } from '../src/read-draft.ts';

const typed: ReceiptDraft = {
  merchant: 'typed',
  purchasedOn: '2026-11-25',
  amount: '1',
  currency: 'USD',
  note: 'lunch',
};
const read: Extraction = {
  draft: {
    merchant: 'Corner Bakery',
    purchasedOn: '2026-11-24',
    amount: '12.50',
    currency: 'EUR',
    note: '',
  },
  missing: [],
};

describe('mergeDraft', () => {
  it('puts what was read over what was typed, but for the note', () => {
    expect(mergeDraft(typed, read)).toEqual({ ...read.draft, note: 'lunch' });
  });

  it('keeps what was typed where nothing was read', () => {
    const part: Extraction = { draft: { ...read.draft, merchant: '' }, missing: ['merchant'] };
    expect(mergeDraft(typed, part)).toEqual({ ...read.draft, merchant: 'typed', note: 'lunch' });
  });
});

describe('describeReading', () => {
  it('names what is left to do', () => {
    expect(describeReading(read)).toContain('Look it over');
    const missing = ['merchant', 'purchasedOn', 'amount'] as const;
    expect(describeReading({ ...read, missing: ['amount'] })).toContain('Fill in the amount.');
    expect(describeReading({ ...read, missing })).toContain('the merchant, date and amount.');
  });
});

describe('readBillingReturn', () => {
  it('knows its own words only', () => {
    expect(readBillingReturn('?billing=done')).toBe('done');
    expect(readBillingReturn('?a=b&billing=cancelled')).toBe('cancelled');
    expect(readBillingReturn('?billing=<script>')).toBeUndefined();
    expect(readBillingReturn('')).toBeUndefined();
  });
});
