import { plans } from '@receipts/core';
import { Button, Notice, QuotaMeter } from '@receipts/ui';
import { useCallback, useEffect, useState } from 'react';
import { ApiError } from './api/http.ts';
import { type Account, loadAccount, loadReceipts, type Receipt } from './api/receipts.ts';
import { signOut } from './api/session.ts';
import { longDate } from './dates.ts';
import { ReceiptForm } from './ReceiptForm.tsx';
import { ReceiptList } from './ReceiptList.tsx';
import { useAction } from './use-action.ts';

interface Loaded {
  readonly account: Account;
  readonly receipts: readonly Receipt[];
}

export function Dashboard({ onSignedOut }: { readonly onSignedOut: () => void }) {
  const [loaded, setLoaded] = useState<Loaded>();
  const [problem, setProblem] = useState<string>();

  const reload = useCallback(async (): Promise<void> => {
    try {
      const [account, receipts] = await Promise.all([loadAccount(), loadReceipts()]);
      setLoaded({ account, receipts });
      setProblem(undefined);
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) {
        onSignedOut();
        return;
      }
      setProblem(error instanceof Error ? error.message : 'Something went wrong.');
    }
  }, [onSignedOut]);

  useEffect(() => {
    void reload();
  }, [reload]);

  const leaving = useAction(async () => {
    await signOut();
    onSignedOut();
  });

  return (
    <>
      <header className="bar">
        <p className="brand">Receipts</p>
        {loaded && (
          <p className="bar-workspace">
            {loaded.account.workspace.name}{' '}
            <span className="badge">{plans[loaded.account.workspace.plan].name} plan</span>
          </p>
        )}
        <Button tone="plain" busy={leaving.busy} onClick={() => void leaving.run()}>
          Sign out
        </Button>
      </header>
      <main className="dashboard">
        <h1>Your receipts</h1>
        {problem !== undefined && <Notice tone="error">{problem}</Notice>}
        {leaving.error && <Notice tone="error">{leaving.error.message}</Notice>}
        {loaded && (
          <div className="columns">
            <div className="column-side">
              <QuotaMeter
                used={loaded.account.usage.used}
                limit={loaded.account.usage.limit}
                level={loaded.account.usage.level}
                resetsOn={longDate(loaded.account.usage.resetsAt.slice(0, 10))}
              />
              <ReceiptForm onAdded={reload} />
            </div>
            <ReceiptList receipts={loaded.receipts} onChanged={reload} />
          </div>
        )}
      </main>
    </>
  );
}
