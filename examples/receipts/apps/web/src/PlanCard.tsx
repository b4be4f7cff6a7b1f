import { formatMoney, type PlanId, plans, upgradeOf } from '@receipts/core';
import { Button, Notice, QuotaMeter } from '@receipts/ui';
import { checkout, portal } from './api/billing.ts';
import type { Deployment } from './api/deployment.ts';
import type { Account } from './api/receipts.ts';
import { longDate } from './dates.ts';
import { useAction } from './use-action.ts';

export interface PlanCardProps {
  readonly account: Account;
  readonly deployment: Deployment;
}

/** What the plan gives, how much of it is used, and how to get more. */
export function PlanCard({ account, deployment }: PlanCardProps) {
  const { readings, usage, workspace } = account;
  const leaving = useAction(async (toPage: () => Promise<string>) => {
    location.assign(await toPage());
  });
  const canPay = deployment.services.payments === 'configured';
  const larger = upgradeOf(workspace.plan);

  return (
    <section className="card plan" aria-labelledby="plan">
      <h2 id="plan">{plans[workspace.plan].name} plan</h2>
      <QuotaMeter
        name="Quota"
        what="receipts"
        used={usage.used}
        limit={usage.limit}
        level={usage.level}
        resetsOn={longDate(usage.resetsAt.slice(0, 10))}
      />
      {deployment.services.ai === 'configured' && (
        <QuotaMeter
          name="AI readings"
          what="AI readings"
          used={readings.used}
          limit={readings.limit}
          level={readings.level}
          resetsOn={longDate(readings.resetsAt.slice(0, 10))}
        />
      )}
      {leaving.error && <Notice tone="error">{leaving.error.message}</Notice>}
      {canPay && workspace.subscribed && (
        <Button tone="quiet" busy={leaving.busy} onClick={() => void leaving.run(portal)}>
          Manage your subscription
        </Button>
      )}
      {canPay && !workspace.subscribed && larger && (
        <Offer
          plan={larger.id}
          busy={leaving.busy}
          onBuy={() => void leaving.run(() => checkout(larger.id))}
        />
      )}
      {!canPay && larger && (
        <p className="field-hint">Payments are not configured here: the plan cannot be changed.</p>
      )}
    </section>
  );
}

interface OfferProps {
  readonly plan: PlanId;
  readonly busy: boolean;
  readonly onBuy: () => void;
}

function Offer({ plan, busy, onBuy }: OfferProps) {
  const { monthly, name, readingsPerMonth, receiptsPerMonth } = plans[plan];
  return (
    <div className="offer">
      <p>
        <strong>{name}</strong> keeps {receiptsPerMonth} receipts and reads {readingsPerMonth} a
        month, for {formatMoney(monthly)}.
      </p>
      <Button busy={busy} onClick={onBuy}>
        Upgrade to {name}
      </Button>
    </div>
  );
}
