/** Whether an outside service was set up. Nobody pretends: without its settings it does nothing. */
export type VendorState = 'configured' | 'not configured';

/** What the product uses from outside. */
export interface VendorStates {
  readonly ai: VendorState;
  readonly email: VendorState;
  readonly payments: VendorState;
  readonly errors: VendorState;
}
