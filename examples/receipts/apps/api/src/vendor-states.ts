import type { VendorStates } from '@receipts/core';
import type { Outside } from './services.ts';

export function vendorStates(outside: Outside): VendorStates {
  return {
    ai: outside.extractor.state,
    email: outside.email.state,
    payments: outside.payments.state,
    errors: outside.errors.state,
  };
}
