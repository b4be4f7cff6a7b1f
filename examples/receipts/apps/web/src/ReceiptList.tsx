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
  const count = receipts.length === 1 ? '1 receipt' : `${receipts.length} receipts`;
  return (
    <section className="receipts" aria-label="Receipts">
      {error && <Notice tone="error">{error.message}</Notice>}
      <p className="totals">
        <span>{count}</span>
        <strong>Total: {totals.map((total) => formatMoney(total)).join(' · ')}</strong>
      </p>
      <ul>
        {receipts.map((receipt) => (
          <ReceiptRow
            key={receipt.id}
            receipt={receipt}
            busy={busy}
            onChanged={onChanged}
            onDelete={() => void run(receipt.id)}
          />
        ))}
      </ul>
    </section>
  );
}
