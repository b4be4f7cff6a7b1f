import { formatMoney } from '@receipts/core';
import { Button } from '@receipts/ui';
import { fileUrl, type Receipt } from './api/receipts.ts';
import { longDate } from './dates.ts';

export interface ReceiptRowProps {
  readonly receipt: Receipt;
  readonly busy: boolean;
  readonly onDelete: () => void;
}

export function ReceiptRow({ receipt, busy, onDelete }: ReceiptRowProps) {
  const { fileName, id, merchant, note, purchasedOn, total } = receipt;
  return (
    <li className="receipt">
      <div>
        <p className="receipt-merchant">{merchant}</p>
        <p className="receipt-facts">
          <time dateTime={purchasedOn}>{longDate(purchasedOn)}</time>
          {note !== '' && <span> · {note}</span>}
          {fileName !== null && (
            <span>
              {' · '}
              <a href={fileUrl(id)} download={fileName}>
                {fileName}
              </a>
            </span>
          )}
        </p>
      </div>
      <p className="receipt-total">{formatMoney(total)}</p>
      <Button tone="danger" disabled={busy} onClick={onDelete} aria-label={`Delete ${merchant}`}>
        Delete
      </Button>
    </li>
  );
}
