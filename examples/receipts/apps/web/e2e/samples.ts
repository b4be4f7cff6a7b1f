import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A document that shows a receipt, and what is printed on it. */
export const bakery = {
  path: join(import.meta.dirname, 'samples/corner-bakery.pdf'),
  bytes: (): Promise<Buffer> => readFile(bakery.path),
  merchant: /corner bakery/i,
  purchasedOn: '2026-01-15',
  amount: '12.50',
  currency: 'EUR',
};
