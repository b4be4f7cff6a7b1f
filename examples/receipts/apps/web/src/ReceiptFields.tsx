import { currencies, type FieldErrors, limits, type ReceiptDraft } from '@receipts/core';
import { SelectField, TextField } from '@receipts/ui';

export interface ReceiptFieldsProps {
  readonly draft: ReceiptDraft;
  readonly mistakes: FieldErrors;
}

/** What a person types in, or looks over after it was read. */
export function ReceiptFields({ draft, mistakes }: ReceiptFieldsProps) {
  return (
    <>
      <TextField
        label="Merchant"
        name="merchant"
        maxLength={limits.merchant}
        defaultValue={draft.merchant}
        error={mistakes.merchant}
      />
      <div className="pair">
        <TextField
          label="Amount"
          name="amount"
          inputMode="decimal"
          autoComplete="off"
          defaultValue={draft.amount}
          error={mistakes.amount}
        />
        <SelectField
          label="Currency"
          name="currency"
          defaultValue={draft.currency}
          error={mistakes.currency}
        >
          {currencies.map((currency) => (
            <option key={currency}>{currency}</option>
          ))}
        </SelectField>
      </div>
      <TextField
        label="Date"
        name="purchasedOn"
        type="date"
        defaultValue={draft.purchasedOn}
        error={mistakes.purchasedOn}
      />
      <TextField
        label="Note"
        name="note"
        maxLength={limits.note}
        defaultValue={draft.note}
        error={mistakes.note}
      />
    </>
  );
}
