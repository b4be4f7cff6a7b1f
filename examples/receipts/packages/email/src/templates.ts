import { formatMoney, type Money, type PlanId, plans, upgradeOf } from '@receipts/core';
import { toHtml } from './html.ts';
import type { EmailMessage } from './message.ts';

export function welcome(to: string, name: string): EmailMessage {
  const { receiptsPerMonth } = plans.free;
  return compose(to, 'Welcome to Receipts', [
    `Hello ${name},`,
    `your workspace is ready. The free plan keeps ${receiptsPerMonth} receipts a month.`,
  ]);
}

export interface SavedReceipt {
  readonly merchant: string;
  readonly purchasedOn: string;
  readonly total: Money;
}

export function receiptSaved(to: string, receipt: SavedReceipt): EmailMessage {
  const total = formatMoney(receipt.total);
  return compose(to, `Saved: ${receipt.merchant}, ${total}`, [
    `Your receipt from ${receipt.merchant} of ${receipt.purchasedOn} over ${total} is saved.`,
  ]);
}

export function quotaExhausted(to: string, plan: PlanId, resetsAt: Date): EmailMessage {
  const { name, receiptsPerMonth } = plans[plan];
  const upgrade = upgradeOf(plan);
  const day = resetsAt.toISOString().slice(0, 10);
  return compose(to, 'Your receipts for this month are used up', [
    `All ${receiptsPerMonth} receipts of the ${name} plan are used. The count starts again on ${day}.`,
    ...(upgrade === undefined
      ? []
      : [`The ${upgrade.name} plan keeps ${upgrade.receiptsPerMonth} receipts a month.`]),
  ]);
}

function compose(to: string, subject: string, paragraphs: readonly string[]): EmailMessage {
  return {
    to,
    subject: singleLine(subject),
    text: `${paragraphs.join('\n\n')}\n`,
    html: toHtml(paragraphs),
  };
}

/** A line break in a subject would start a header of its own. */
function singleLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim();
}
