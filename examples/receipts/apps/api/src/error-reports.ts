import type { VendorState } from '@receipts/core';

/** Where errors go that somebody should look at. */
export interface ErrorReports {
  readonly state: VendorState;
  report(message: string, error: unknown): void;
  /** Says on whose behalf the current request is made: an id, never a name or an address. */
  noteUser(id: string): void;
  /** Says that the current request is one of a monitor's, not of a person. */
  noteSynthetic(): void;
  /** Sends what is still on its way. */
  close(): Promise<void>;
}

const nothing = (): void => undefined;

export const noErrorReports: ErrorReports = {
  state: 'not configured',
  report: nothing,
  noteUser: nothing,
  noteSynthetic: nothing,
  close: () => Promise.resolve(),
};
