import type { Attachment, Extraction, VendorState } from '@receipts/core';
import type { Tokens } from '@receipts/db';
import { notConfigured } from './errors.ts';

/** What was read off a file, and what that took. */
export interface Extracted {
  readonly extraction: Extraction;
  readonly tokens: Tokens;
}

/** Reads merchant, date and total off the picture or PDF of a receipt. */
export interface Extractor {
  readonly state: VendorState;
  readonly model: string;
  /** Throws ExtractionError, whatever goes wrong at the other end. */
  extract(file: Attachment, now: Date): Promise<Extracted>;
  /** Throws where the service does not answer, or not to us. */
  probe(): Promise<void>;
}

/**
 * `unavailable`: trying again later may help. `refused`: somebody has to look at the settings.
 * `unreadable`: the file shows no receipt that could be read.
 */
export type ExtractionFailure = 'unavailable' | 'refused' | 'unreadable';

export class ExtractionError extends Error {
  override readonly name = 'ExtractionError';
  readonly failure: ExtractionFailure;
  /** What was used up all the same. */
  readonly tokens: Tokens | undefined;

  constructor(failure: ExtractionFailure, message: string, options: ExtractionErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : {});
    this.failure = failure;
    this.tokens = options.tokens;
  }
}

export interface ExtractionErrorOptions {
  readonly cause?: unknown;
  readonly tokens?: Tokens;
}

export const noExtractor: Extractor = {
  state: 'not configured',
  model: 'none',
  extract: () => Promise.reject(notConfigured('ai', 'Reading receipts by AI')),
  probe: () => Promise.reject(notConfigured('ai', 'Reading receipts by AI')),
};
