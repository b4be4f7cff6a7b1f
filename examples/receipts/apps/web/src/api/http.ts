/** A refusal by the API, in its own words. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly code: string;
  readonly fields: Readonly<Record<string, string>>;

  constructor(
    status: number,
    code: string,
    message: string,
    fields: Readonly<Record<string, string>>,
  ) {
    super(message);
    this.status = status;
    this.code = code;
    this.fields = fields;
  }
}

interface Refusal {
  readonly code?: string;
  readonly message?: string;
  readonly fields?: Readonly<Record<string, string>>;
}

export async function request<T>(path: string, init: RequestInit = {}): Promise<T> {
  let response: Response;
  try {
    response = await fetch(path, init);
  } catch {
    throw new ApiError(0, 'offline', 'The server cannot be reached. Try again in a moment.', {});
  }
  const body: unknown = await response.json().catch(() => undefined);
  if (!response.ok) {
    throw toError(response.status, body);
  }
  return body as T;
}

export function postJson<T>(path: string, body: unknown): Promise<T> {
  return request<T>(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}

function toError(status: number, body: unknown): ApiError {
  // Our own routes wrap the refusal in `error`; the auth library does not.
  const answer = body as (Refusal & { readonly error?: Refusal }) | null | undefined;
  const refusal = answer?.error ?? answer ?? {};
  return new ApiError(
    status,
    refusal.code ?? 'unknown',
    refusal.message ?? `The server answered ${status}.`,
    refusal.fields ?? {},
  );
}
