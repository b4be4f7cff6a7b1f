import { createAppPool, inWorkspaceOf, ownerUrl, type Pool } from '@receipts/db';
import { MemoryTransport } from '@receipts/email';
import pg from 'pg';
import { type App, createApp } from '../src/app.ts';
import type { Config } from '../src/config.ts';
import { noErrorReports } from '../src/error-reports.ts';
import { noExtractor } from '../src/extractor.ts';
import { noPayments } from '../src/payments.ts';
import { createServices, type Outside } from '../src/services.ts';
import type { VendorConfig } from '../src/vendor-config.ts';

export const origin = 'http://127.0.0.1:3000';

const config: Config = {
  host: '127.0.0.1',
  port: 3000,
  appUrl: origin,
  authSecret: 'a-secret-that-only-the-tests-know',
  production: false,
  syntheticKey: undefined,
  behindProxy: false,
  environment: 'test',
  version: '1.2.3',
  commit: 'test',
  build: 'build-7',
  database: '127.0.0.1:5432/receipts',
  webRoot: undefined,
  vendors: {
    ai: undefined,
    email: undefined,
    payments: undefined,
    errors: undefined,
    webErrors: undefined,
  },
};

export interface TestApp {
  readonly app: App;
  /** The application's own connections: bound by row-level security. */
  readonly pool: Pool;
  readonly email: MemoryTransport;
  /** Lines of the log, to look into when a test fails. */
  readonly logged: string[];
  travelTo(moment: string): void;
  signUp(name?: string): Promise<TestUser>;
  tenantOf(user: TestUser): Promise<string>;
  close(): Promise<void>;
}

/** With nothing set up but what a test brings along; e-mail goes to a list. */
export function createTestApp(
  brought: Partial<Outside> = {},
  vendors: Partial<VendorConfig> = {},
  settings: Partial<Config> = {},
): TestApp {
  const pool = createAppPool(process.env);
  const email = new MemoryTransport();
  const logged: string[] = [];
  let now = new Date('2026-11-25T12:00:00Z');
  const services = createServices({
    config: { ...config, ...settings, vendors: { ...config.vendors, ...vendors } },
    pool,
    email,
    extractor: noExtractor,
    payments: noPayments,
    errors: noErrorReports,
    log: {
      info: (message) => logged.push(message),
      error: (message, error) => logged.push(message, String(error)),
    },
    now: () => now,
    ...brought,
  });
  const app = createApp(services);
  return {
    app,
    pool,
    email,
    logged,
    travelTo: (moment) => {
      now = new Date(moment);
    },
    signUp: (name = 'Ada') => TestUser.signUp(app, name),
    tenantOf: (user) =>
      inWorkspaceOf(pool, { id: user.id, name: '' }, (_client, { tenantId }) =>
        Promise.resolve(tenantId),
      ),
    close: () => pool.end(),
  };
}

/** A person with a session, in a workspace of their own. */
export class TestUser {
  private readonly app: App;
  private readonly cookie: string;
  readonly id: string;
  readonly email: string;

  private constructor(app: App, id: string, email: string, cookie: string) {
    this.app = app;
    this.id = id;
    this.email = email;
    this.cookie = cookie;
  }

  static async signUp(app: App, name: string): Promise<TestUser> {
    const email = `${crypto.randomUUID()}@example.test`;
    const response = await app.request(`${origin}/api/auth/sign-up/email`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin },
      body: JSON.stringify({ name, email, password: 'correct horse battery' }),
    });
    if (response.status !== 200) {
      throw new Error(`sign-up answered ${response.status}: ${await response.text()}`);
    }
    const { user } = (await response.json()) as { user: { id: string } };
    const cookie = response.headers
      .getSetCookie()
      .map((line) => line.split(';', 1)[0] ?? '')
      .join('; ');
    return new TestUser(app, user.id, email, cookie);
  }

  async request(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers({ origin, ...Object.fromEntries(new Headers(init.headers)) });
    headers.set('cookie', this.cookie);
    return this.app.request(`${origin}${path}`, { ...init, headers });
  }

  post(path: string, body: unknown, from = origin): Promise<Response> {
    return this.request(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: from },
      body: JSON.stringify(body),
    });
  }

  async addReceipt(changes: Readonly<Record<string, string>> = {}): Promise<ReceiptAnswer> {
    const response = await this.post('/api/receipts', { ...draft, ...changes });
    if (response.status !== 201) {
      throw new Error(`adding a receipt answered ${response.status}: ${await response.text()}`);
    }
    const { receipt } = (await response.json()) as { receipt: ReceiptAnswer };
    return receipt;
  }

  async list(): Promise<ReceiptAnswer[]> {
    const response = await this.request('/api/receipts');
    const { receipts } = (await response.json()) as { receipts: ReceiptAnswer[] };
    return receipts;
  }
}

export interface ReceiptAnswer {
  readonly id: string;
  readonly merchant: string;
  readonly purchasedOn: string;
  readonly total: { readonly minor: number; readonly currency: string };
  readonly fileName: string | null;
}

export const draft = {
  merchant: 'Corner Bakery',
  purchasedOn: '2026-11-24',
  amount: '12.50',
  currency: 'EUR',
  note: '',
};

/** A small file of the right kind. */
export const pdf = (text = '%PDF-1.7\nA receipt.\n', name = 'scan.pdf'): File =>
  new File([text], name, { type: 'application/pdf' });

export function upload(file: File, fields: Readonly<Record<string, string>> = {}): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    form.set(name, value);
  }
  form.set('file', file);
  return form;
}

/** The owner of the database, for a look at the catalogue: forced policies bind it as well. */
export async function asOwner<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: ownerUrl(process.env) });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
