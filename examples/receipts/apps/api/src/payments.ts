import type { PlanId, VendorState } from '@receipts/core';
import type { SubscriptionNews } from '@receipts/db';
import { notConfigured } from './errors.ts';

/** A plan that somebody wants to buy. */
export interface Order {
  readonly tenantId: string;
  readonly plan: PlanId;
  readonly email: string;
  /** Where our pages are: the payment page leads back to them. */
  readonly origin: string;
  /** The same for two clicks, so that they make one purchase. */
  readonly idempotencyKey: string;
}

export interface Payments {
  readonly state: VendorState;
  /**
   * Answers the address of the page on which the person pays. This and `portal` throw PaymentError,
   * whatever goes wrong at the other end.
   */
  checkout(order: Order): Promise<string>;
  /** Answers the address of the page on which the person changes or ends a subscription. */
  portal(customerId: string, origin: string): Promise<string>;
  /**
   * What a message of the payment provider says about a subscription of ours; undefined where it
   * says nothing about one. Throws SignatureError where it is not the provider's.
   */
  readMessage(body: string, signature: string): Promise<SubscriptionNews | undefined>;
  /** Throws where the service does not answer, or not to us. */
  probe(): Promise<void>;
}

/** The payment provider did not do what it was asked. */
export class PaymentError extends Error {
  override readonly name = 'PaymentError';
}

export class SignatureError extends Error {
  override readonly name = 'SignatureError';
}

export const noPayments: Payments = {
  state: 'not configured',
  checkout: () => Promise.reject(notConfigured('payments', 'Paying')),
  portal: () => Promise.reject(notConfigured('payments', 'Paying')),
  readMessage: () => Promise.reject(notConfigured('payments', 'Paying')),
  probe: () => Promise.reject(notConfigured('payments', 'Paying')),
};
