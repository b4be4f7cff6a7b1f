import { plans, type VendorStates } from '@receipts/core';
import { Button, Notice, StateList } from '@receipts/ui';
import { useCallback, useEffect, useState } from 'react';
import { type Deployment, loadDeployment } from './api/deployment.ts';
import { ApiError } from './api/http.ts';
import { type Account, loadAccount, loadReceipts, type Receipt } from './api/receipts.ts';
import { signOut } from './api/session.ts';
import { BillingNotice } from './BillingNotice.tsx';
import { PlanCard } from './PlanCard.tsx';
import { ReceiptForm } from './ReceiptForm.tsx';
import { ReceiptList } from './ReceiptList.tsx';
import { useAction } from './use-action.ts';

interface Loaded {
  readonly account: Account;
  readonly deployment: Deployment;
  readonly receipts: readonly Receipt[];
}

const services: readonly [keyof VendorStates, string][] = [
  ['ai', 'Reading by AI'],
  ['email', 'E-mail'],
  ['payments', 'Payments'],
  ['errors', 'Error reports'],
];

export default function Dashboard({ onSignedOut }: { readonly onSignedOut: () => void }) {
  const [loaded, setLoaded] = useState<Loaded>();
  const [problem, setProblem] = useState<string>();

  const reload = useCallback(async (): Promise<void> => {
    try {
      const [account, deployment, receipts] = await Promise.all([
        loadAccount(),
        loadDeployment(),
        loadReceipts(),
      ]);
      setLoaded({ account, deployment, receipts });
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
          <>
            <BillingNotice
              plan={loaded.account.workspace.plan}
              subscribed={loaded.account.workspace.subscribed}
              onLook={reload}
            />
            <div className="columns">
              <ReceiptForm deployment={loaded.deployment} onAdded={reload} />
              <ReceiptList receipts={loaded.receipts} onChanged={reload} />
              <PlanCard account={loaded.account} deployment={loaded.deployment} />
            </div>
            <StateList
              label="Services"
              states={services.map(([id, name]) => {
                const state = loaded.deployment.services[id];
                return { name, state, good: state === 'configured' };
              })}
            />
          </>
        )}
      </main>
    </>
  );
}
