import { formatMoney } from '@receipts/core';
import { Button } from '@receipts/ui';
import { useState } from 'react';
import { fileUrl, type Receipt } from './api/receipts.ts';
import { longDate } from './dates.ts';
import { ReceiptEditor } from './ReceiptEditor.tsx';

export interface ReceiptRowProps {
  readonly receipt: Receipt;
  readonly busy: boolean;
  readonly onChanged: () => Promise<void>;
  readonly onDelete: () => void;
}

export function ReceiptRow({ receipt, busy, onChanged, onDelete }: ReceiptRowProps) {
  const [editing, setEditing] = useState(false);
  const { fileName, id, merchant, note, purchasedOn, total } = receipt;

  if (editing) {
    return (
      <li className="receipt-open">
        <ReceiptEditor
          receipt={receipt}
          onChanged={onChanged}
          onClose={() => {
            setEditing(false);
          }}
        />
      </li>
    );
  }
  return (
    <li className="receipt">
      <div className="receipt-what">
        <p className="receipt-merchant">{merchant}</p>
        <p className="receipt-facts">
          <time dateTime={purchasedOn}>{longDate(purchasedOn)}</time>
          {note !== '' && <span> · {note}</span>}
        </p>
        {fileName !== null && (
          <a className="file" href={fileUrl(id)} download={fileName}>
            {fileName}
          </a>
        )}
      </div>
      <p className="receipt-total">{formatMoney(total)}</p>
      <div className="actions">
        <Button
          tone="quiet"
          disabled={busy}
          onClick={() => {
            setEditing(true);
          }}
          aria-label={`Edit ${merchant}`}
        >
          Edit
        </Button>
        <Button tone="danger" disabled={busy} onClick={onDelete} aria-label={`Delete ${merchant}`}>
          Delete
        </Button>
      </div>
    </li>
  );
}
