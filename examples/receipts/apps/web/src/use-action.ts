import { useState } from 'react';
import { ApiError } from './api/http.ts';

export interface Action<Arguments extends unknown[]> {
  readonly busy: boolean;
  readonly error: ApiError | undefined;
  readonly run: (...values: Arguments) => Promise<void>;
}

/** Something a person starts: busy while it runs, with the refusal at hand when there is one. */
export function useAction<Arguments extends unknown[]>(
  work: (...values: Arguments) => Promise<void>,
): Action<Arguments> {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError>();

  const run = async (...values: Arguments): Promise<void> => {
    setBusy(true);
    setError(undefined);
    try {
      await work(...values);
    } catch (failure) {
      setError(
        failure instanceof ApiError
          ? failure
          : new ApiError(0, 'unknown', 'Something went wrong. Try again.', {}),
      );
    } finally {
      setBusy(false);
    }
  };

  return { busy, error, run };
}
