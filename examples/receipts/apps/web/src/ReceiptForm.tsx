import {
  checkReceipt,
  currencies,
  type FieldErrors,
  limits,
  mediaTypes,
  toDraft,
} from '@receipts/core';
import { Button, Notice, SelectField, TextField } from '@receipts/ui';
import { useState } from 'react';
import { addReceipt } from './api/receipts.ts';
import { today } from './dates.ts';
import { onForm } from './form.ts';
import { useAction } from './use-action.ts';

export function ReceiptForm({ onAdded }: { readonly onAdded: () => Promise<void> }) {
  const [mistakes, setMistakes] = useState<FieldErrors>({});
  const { busy, error, run } = useAction(async (data: FormData, form: HTMLFormElement) => {
    // The same rules as the server's, so that a typing error costs no round trip.
    const checked = checkReceipt(toDraft(Object.fromEntries(data)), new Date());
    setMistakes(checked.ok ? {} : checked.error);
    if (!checked.ok) {
      return;
    }
    try {
      await addReceipt(data);
      form.reset();
    } finally {
      // Also after a refusal: the quota may have been used up in another window.
      await onAdded();
    }
  });
  const refused = error?.fields ?? {};

  return (
    <section className="card" aria-labelledby="add-receipt">
      <h2 id="add-receipt">Add a receipt</h2>
      <form noValidate onSubmit={onForm((data, form) => void run(data, form))}>
        {error && (
          <Notice tone={error.status === 402 ? 'warning' : 'error'}>{error.message}</Notice>
        )}
        <TextField
          label="Merchant"
          name="merchant"
          maxLength={limits.merchant}
          error={mistakes.merchant ?? refused.merchant}
        />
        <div className="pair">
          <TextField
            label="Amount"
            name="amount"
            inputMode="decimal"
            autoComplete="off"
            error={mistakes.amount ?? refused.amount}
          />
          <SelectField
            label="Currency"
            name="currency"
            defaultValue="EUR"
            error={mistakes.currency ?? refused.currency}
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
          defaultValue={today()}
          error={mistakes.purchasedOn ?? refused.purchasedOn}
        />
        <TextField
          label="Note"
          name="note"
          maxLength={limits.note}
          error={mistakes.note ?? refused.note}
        />
        <TextField
          label="Scan"
          name="file"
          type="file"
          accept={mediaTypes.join(',')}
          hint="PDF, JPEG or PNG, at most 2 MB."
          error={refused.file}
        />
        <Button type="submit" busy={busy}>
          Add receipt
        </Button>
      </form>
    </section>
  );
}
