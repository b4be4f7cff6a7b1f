// What an application does with Sentry's own SDKs: `node round.mjs DSN-OF-A-SERVER DSN-OF-A-PAGE`.
import * as browser from '@sentry/browser';
import * as node from '@sentry/node';

const [server, page] = process.argv.slice(2);

node.init({
  dsn: server,
  release: 'api@7',
  environment: 'production',
  tracesSampleRate: 1,
  traceLifecycle: 'static',
});

function pay() {
  throw new TypeError('card is undefined');
}

function attempt(user) {
  node.withIsolationScope((scope) => {
    scope.setUser({ id: user });
    scope.setTag('plan', 'free');
    scope.addAttachment({ filename: 'cart.json', data: '{"items":\n2}' });
    try {
      pay();
    } catch (error) {
      node.captureException(error);
    }
  });
}

attempt('1');
attempt('2');
node.captureMessage('a note', 'info');
node.startNewTrace(() =>
  node.startSpan({ name: 'GET /receipts', op: 'http.server' }, () =>
    node.startSpan({ name: 'select 1', op: 'db' }, () => undefined),
  ),
);
const sent = await node.flush(5000);
await node.close(5000);

// The same, with spans that are streamed, which is what this version does by itself.
node.init({ dsn: server, release: 'api@7', environment: 'production', tracesSampleRate: 1, traceLifecycle: 'stream' });
node.startNewTrace(() => node.startSpan({ name: 'GET /streamed', op: 'http.server' }, () => undefined));
node.getClient().recordDroppedEvent('before_send', 'error', 4); // told when the process ends
const streamed = await node.flush(5000);

// A page shows its key in the address, and tells of a session.
const client = new browser.BrowserClient({
  dsn: page,
  release: 'web@7',
  environment: 'production',
  transport: browser.makeFetchTransport,
  stackParser: browser.defaultStackParser,
  integrations: [],
});
const scope = new browser.Scope();
scope.setClient(client);
client.init();
const event = scope.captureException(new RangeError('too far'));
const started = Date.now() / 1000;
client.captureSession({
  sid: '0123456789abcdef0123456789abcdef',
  init: true,
  started,
  timestamp: started,
  status: 'exited',
  errors: 1,
  release: 'web@7',
  environment: 'production',
  toJSON() {
    const attrs = { release: this.release, environment: this.environment };
    return { ...this, attrs, started: new Date(started * 1000).toISOString(), timestamp: new Date().toISOString() };
  },
});
const shown = await client.flush(5000);
console.log(JSON.stringify({ sent, streamed, shown, event }));
