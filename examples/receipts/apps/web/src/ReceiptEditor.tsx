import { checkReceipt, type FieldErrors, toDecimal, toDraft } from '@receipts/core';
import { Button, Notice } from '@receipts/ui';
import { useState } from 'react';
import { changeReceipt, type Receipt } from './api/receipts.ts';
import { onForm } from './form.ts';
import { ReceiptFields } from './ReceiptFields.tsx';
import { useAction } from './use-action.ts';

export interface ReceiptEditorProps {
  readonly receipt: Receipt;
  readonly onChanged: () => Promise<void>;
  readonly onClose: () => void;
}

/** Corrects what was typed or read. */
export function ReceiptEditor({ receipt, onChanged, onClose }: ReceiptEditorProps) {
  const [mistakes, setMistakes] = useState<FieldErrors>({});
  const { busy, error, run } = useAction(async (data: FormData) => {
    const draft = toDraft(Object.fromEntries(data));
    const checked = checkReceipt(draft, new Date());
    setMistakes(checked.ok ? {} : checked.error);
    if (checked.ok) {
      await changeReceipt(receipt.id, draft);
      await onChanged();
      onClose();
    }
  });
  const { merchant, note, purchasedOn, total } = receipt;

  return (
    <form className="editor" noValidate onSubmit={onForm((data) => void run(data))}>
      {error && <Notice tone="error">{error.message}</Notice>}
      <ReceiptFields
        draft={{
          merchant,
          purchasedOn,
          amount: toDecimal(total),
          currency: total.currency,
          note,
        }}
        mistakes={{ ...error?.fields, ...mistakes }}
      />
      <div className="actions">
        <Button type="submit" busy={busy}>
          Save changes
        </Button>
        <Button tone="quiet" onClick={onClose}>
          Cancel
        </Button>
      </div>
    </form>
  );
}
