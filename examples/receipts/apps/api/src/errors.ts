import type { VendorStates } from '@receipts/core';
import type { Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';

/** A refusal with an answer that callers can rely on: `{ "error": { "code", "message", … } }`. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: ContentfulStatusCode;
  readonly code: string;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    status: ContentfulStatusCode,
    code: string,
    message: string,
    details: Readonly<Record<string, unknown>> = {},
  ) {
    super(message);
    this.status = status;
    this.code = code;
    this.details = details;
  }
}

/** 503, and never an answer that looks like success: this deployment has no such service. */
export const notConfigured = (component: keyof VendorStates, what: string): ApiError =>
  new ApiError(503, 'not_configured', `${what} is not configured here.`, { component });

export const notFound = (): ApiError => new ApiError(404, 'not_found', 'There is nothing here.');

export function answerError(c: Context, error: ApiError): Response {
  const { code, message, details, status } = error;
  return c.json({ error: { code, message, ...details } }, status);
}
