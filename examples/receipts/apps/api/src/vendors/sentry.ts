import type { Config } from '../config.ts';
import type { ErrorReports } from '../error-reports.ts';

/** To be called before the libraries are loaded that it looks into: the server, the driver. */
export async function connectSentry(
  config: Pick<Config, 'commit' | 'environment'>,
  { dsn, tracesSampleRate }: { readonly dsn: string; readonly tracesSampleRate: number },
): Promise<ErrorReports> {
  const sentry = await import('@sentry/node');
  sentry.init({
    dsn,
    release: config.commit,
    environment: config.environment,
    // An error that happens to many people, one after the other, is as many events: they are counted.
    integrations: (defaults) => defaults.filter(({ name }) => name !== 'Dedupe'),
    // Monitors ask for it all day long; it says nothing about people. What a caller wishes to have
    // sampled does not count: requests are counted by their spans.
    tracesSampler: ({ attributes }) =>
      String(attributes['url.path']).startsWith('/health') ? 0 : tracesSampleRate,
    // Whole requests, which every version of Sentry understands.
    traceLifecycle: 'static',
    // Vendors have no business with our traces.
    tracePropagationTargets: [],
    includeLocalVariables: false,
    // What people keep here is theirs: reports name the route, the error, and an id.
    dataCollection: {
      userInfo: false,
      cookies: false,
      httpHeaders: { request: { allow: ['user-agent', 'content-type'] }, response: false },
      httpBodies: [],
      urlQueryParams: false,
      genAI: { inputs: false, outputs: false },
      databaseQueryData: false,
    },
  });

  return {
    state: 'configured',
    report: (message, error) => {
      sentry.captureException(error instanceof Error ? error : new Error(String(error)), {
        tags: { logged: message.slice(0, 200) },
      });
    },
    noteUser: (id) => {
      sentry.setUser({ id });
    },
    noteSynthetic: () => {
      sentry.setTag('synthetic', 'true');
    },
    close: async () => {
      await sentry.close(2000);
    },
  };
}
