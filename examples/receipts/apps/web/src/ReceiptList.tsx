import { formatMoney, totalsByCurrency } from '@receipts/core';
import { EmptyState, Notice } from '@receipts/ui';
import { deleteReceipt, type Receipt } from './api/receipts.ts';
import { ReceiptRow } from './ReceiptRow.tsx';
import { useAction } from './use-action.ts';

export interface ReceiptListProps {
  readonly receipts: readonly Receipt[];
  readonly onChanged: () => Promise<void>;
}

export function ReceiptList({ receipts, onChanged }: ReceiptListProps) {
  const { busy, error, run } = useAction(async (id: string) => {
    await deleteReceipt(id);
    await onChanged();
  });

  if (receipts.length === 0) {
    return (
      <EmptyState title="No receipts yet">The first one you add will be shown here.</EmptyState>
    );
  }
  const totals = totalsByCurrency(receipts.map(({ total }) => total));
  return (
    <section className="receipts" aria-label="Receipts">
      {error && <Notice tone="error">{error.message}</Notice>}
      <p className="totals">Total: {totals.map((total) => formatMoney(total)).join(' · ')}</p>
      <ul>
        {receipts.map((receipt) => (
          <ReceiptRow
            key={receipt.id}
            receipt={receipt}
            busy={busy}
            onDelete={() => void run(receipt.id)}
          />
        ))}
      </ul>
    </section>
  );
}
