import { loadDeployment } from './api/deployment.ts';
import { mayBeSignedIn } from './api/session.ts';

type Report = (error: unknown) => void;

/** Errors that happened before there was anybody to tell. */
const untold: unknown[] = [];
let report: Report | undefined;
let loading: Promise<void> | undefined;

/** To be told of every error that nobody handles. */
export function reportError(error: unknown): void {
  if (report === undefined) {
    untold.push(error);
    void startReporting();
  } else {
    report(error);
  }
}

/**
 * Loads the reporting, which is larger than all of the first page, when it is needed: for somebody
 * signed in, or once there is an error. Where none is configured nothing is loaded or sent.
 */
function startReporting(): Promise<void> {
  loading ??= (async () => {
    const { errors } = await loadDeployment();
    if (errors === null) {
      untold.length = 0;
      report = () => undefined;
      return;
    }
    const { connectSentry } = await import('./sentry.ts');
    report = connectSentry(errors);
    for (const error of untold.splice(0)) {
      report(error);
    }
  })().catch(() => {
    // The server cannot be reached: it is asked again at the next error.
    loading = undefined;
  });
  return loading;
}

export function watchErrors(): void {
  addEventListener('error', ({ error }) => {
    reportError(error);
  });
  addEventListener('unhandledrejection', ({ reason }) => {
    reportError(reason);
  });
  if (mayBeSignedIn()) {
    void startReporting();
  }
}
