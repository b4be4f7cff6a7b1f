import type { VendorStates } from '@receipts/core';
import { request } from './http.ts';

/** What this deployment is set up with. */
export interface Deployment {
  readonly services: VendorStates;
  /** The model that reads receipts. */
  readonly model: string | null;
  readonly errors: {
    readonly dsn: string;
    readonly environment: string;
    readonly release: string;
  } | null;
}

let asked: Promise<Deployment> | undefined;

/** Asked once: it does not change while a page is open. */
export function loadDeployment(): Promise<Deployment> {
  asked ??= request<Deployment>('/api/config').catch((error: unknown) => {
    asked = undefined;
    throw error;
  });
  return asked;
}
