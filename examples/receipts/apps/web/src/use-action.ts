import { useState } from 'react';
import { ApiError } from './api/http.ts';
import { reportError } from './error-reporting.ts';

export interface Action<Arguments extends unknown[]> {
  readonly busy: boolean;
  readonly error: ApiError | undefined;
  readonly run: (...values: Arguments) => Promise<void>;
  /** Shows the last refusal no longer. */
  readonly forget: () => void;
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
      if (failure instanceof ApiError) {
        setError(failure);
      } else {
        reportError(failure);
        setError(new ApiError(0, 'unknown', 'Something went wrong. Try again.', {}));
      }
    } finally {
      setBusy(false);
    }
  };

  return {
    busy,
    error,
    run,
    forget: () => {
      setError(undefined);
    },
  };
}
