import { type PlanId, plans } from '@receipts/core';
import { Notice } from '@receipts/ui';
import { useEffect, useState } from 'react';
import { readBillingReturn } from './billing-return.ts';

/** Milliseconds between two looks, and how many there are. */
const pause = 2000;
const looks = 15;

export interface BillingNoticeProps {
  readonly plan: PlanId;
  readonly subscribed: boolean;
  readonly onLook: () => Promise<void>;
}

/**
 * Shown to somebody who comes back from the payment page. That they came back proves nothing: the
 * plan is theirs when the payment provider has told the server.
 */
export function BillingNotice({ plan, subscribed, onLook }: BillingNoticeProps) {
  const [came] = useState(() => readBillingReturn(location.search));
  const [looked, setLooked] = useState(0);
  const waiting = came === 'done' && !subscribed && looked < looks;

  useEffect(() => {
    // A page that is loaded again has not come back again.
    history.replaceState(null, '', location.pathname);
  }, []);

  useEffect(() => {
    if (!waiting) {
      return undefined;
    }
    const timer = setTimeout(() => {
      void onLook().then(() => {
        setLooked(looked + 1);
      });
    }, pause);
    return () => {
      clearTimeout(timer);
    };
  }, [looked, onLook, waiting]);

  if (came === undefined) {
    return null;
  }
  if (came === 'cancelled') {
    return <Notice tone="info">Nothing was bought: the plan stays as it is.</Notice>;
  }
  if (subscribed) {
    return <Notice tone="info">Thank you: the {plans[plan].name} plan is yours.</Notice>;
  }
  return (
    <Notice tone={waiting ? 'info' : 'warning'}>
      {waiting
        ? 'Waiting for the payment to be confirmed …'
        : 'The payment is not confirmed yet. The plan changes as soon as it is.'}
    </Notice>
  );
}
