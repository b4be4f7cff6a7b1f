import { connectResend, connectSmtp, type EmailTransport, welcome } from '@receipts/email';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Notifier } from '../src/notifier.ts';
import { MailServer } from './mail-server.ts';
import { createTestApp } from './support.ts';
import { type Answer, VendorServer } from './vendor-server.ts';

const from = 'Receipts <receipts@example.test>';
const message = welcome('ada@example.test', 'Ada');

const taken: Answer = { status: 200, body: { id: '4ef9a417-02e9-4d39-ad75-9611e0fcc33c' } };
const failure = (statusCode: number, name: string): Answer => ({
  status: statusCode,
  body: { statusCode, name, message: 'No, ada@example.test.' },
});

/** A notifier that waits for nobody, and the errors that it logs. */
function notifierFor(transport: EmailTransport) {
  const errors: string[] = [];
  const log = {
    info: () => undefined,
    error: (_message: string, error: unknown) => errors.push(String(error)),
  };
  const notifier = new Notifier(transport, log, () => Promise.resolve());
  const notify = async (): Promise<void> => {
    notifier.notify(message, 'welcome/1');
    await notifier.settle();
  };
  return { errors, notify };
}

describe('e-mail through Resend', () => {
  let vendor: VendorServer;
  let transport: EmailTransport;

  beforeAll(async () => {
    vendor = await VendorServer.start(() => taken);
    transport = await connectResend({ apiKey: 're_test', baseUrl: vendor.url, from });
  });

  beforeEach(() => {
    vendor.answer = () => taken;
    vendor.received.length = 0;
  });

  afterAll(() => vendor.close());

  it('sends a message with its sender and a key of its own', async () => {
    await transport.send(message, 'welcome/1');
    expect(vendor.last).toMatchObject({
      method: 'POST',
      path: '/emails',
      headers: { authorization: 'Bearer re_test', 'idempotency-key': 'welcome/1' },
    });
    expect(JSON.parse(vendor.last.body)).toEqual({
      from,
      to: 'ada@example.test',
      subject: 'Welcome to Receipts',
      text: message.text,
      html: message.html,
    });
  });

  it('tries again under the same key what fails for a moment', async () => {
    const { errors, notify } = notifierFor(transport);
    vendor.answerInTurn(
      failure(429, 'rate_limit_exceeded'),
      failure(500, 'application_error'),
      { status: 502, body: '<html>Bad gateway</html>' },
      taken,
    );
    await notify();
    expect(errors).toEqual([]);
    expect(vendor.received.map(({ headers }) => headers['idempotency-key'])).toEqual(
      Array.from({ length: 4 }, () => 'welcome/1'),
    );
  });

  it.each([
    [403, 'invalid_api_key'],
    [422, 'validation_error'],
    [429, 'daily_quota_exceeded'],
  ])('gives up at once on %i %s, and tells no address', async (status, name) => {
    const { errors, notify } = notifierFor(transport);
    vendor.answer = () => failure(status, name);
    await notify();
    expect(vendor.received).toHaveLength(1);
    expect(errors).toEqual([
      `EmailError: Resend did not take the message: ${name} (status ${status})`,
    ]);
  });

  it('says in the end what would not pass', async () => {
    const { errors, notify } = notifierFor(transport);
    vendor.answer = () => failure(500, 'internal_server_error');
    await notify();
    expect(vendor.received).toHaveLength(4);
    expect(errors).toHaveLength(1);
  });

  it('takes a key that may only send for one that works', async () => {
    vendor.answer = () => failure(401, 'restricted_api_key');
    await expect(transport.probe()).resolves.toBeUndefined();
    vendor.answer = () => failure(403, 'invalid_api_key');
    await expect(transport.probe()).rejects.toThrow('invalid_api_key');
  });

  it('confirms a receipt, and never refuses one for a mail that does not leave', async () => {
    const test = createTestApp({ email: transport });
    const user = await test.signUp();
    await expect.poll(() => vendor.received.length).toBe(1);
    expect(vendor.last.headers['idempotency-key']).toBe(`welcome/${user.id}`);
    vendor.answerInTurn(taken, failure(403, 'invalid_api_key'));
    const { id } = await user.addReceipt({ merchant: 'Mailed Shop' });
    await expect.poll(() => vendor.received.length).toBe(2);
    expect(vendor.last.headers['idempotency-key']).toBe(`receipt-saved/${id}`);
    expect(JSON.parse(vendor.last.body)).toMatchObject({
      to: user.email,
      subject: 'Saved: Mailed Shop, €12.50',
    });
    await user.addReceipt();
    await expect.poll(() => test.logged).toContain('an e-mail could not be sent');
    await test.close();
  });
});

describe('e-mail through a mail server', () => {
  let server: MailServer;
  let transport: EmailTransport;

  beforeAll(async () => {
    server = await MailServer.start();
    transport = await connectSmtp({ url: server.url, from });
  });

  afterAll(() => server.close());

  it('hands over a message, with the same id each time', async () => {
    await transport.send(message, 'welcome/1');
    await transport.send(message, 'welcome/1');
    await transport.send(message, 'welcome/2');
    expect(server.mails).toHaveLength(3);
    const [mail] = server.mails;
    expect(mail).toMatchObject({ from: 'receipts@example.test', to: ['ada@example.test'] });
    expect(mail?.data).toContain('Subject: Welcome to Receipts');
    expect(mail?.data).toContain('Content-Type: text/html');
    const ids = server.mails.map(({ data }) => /^Message-ID: (.+)$/im.exec(data)?.[1]);
    expect(ids[0]).toMatch(/^<[0-9a-f]{32}@example\.test>\r?$/);
    expect(ids[1]).toBe(ids[0]);
    expect(ids[2]).not.toBe(ids[0]);
  });

  it('tries again after "later", and not after "never"', async () => {
    const { errors, notify } = notifierFor(transport);
    const before = server.mails.length;
    server.replies.push('451 4.3.0 Try ada@example.test later');
    await notify();
    expect(server.mails).toHaveLength(before + 1);
    server.replies.push('550 5.1.1 No such user ada@example.test');
    await notify();
    expect(server.mails).toHaveLength(before + 1);
    expect(errors).toEqual(['EmailError: the mail server did not take the message: 550']);
  });

  it('is asked without sending anything', async () => {
    const before = server.mails.length;
    await expect(transport.probe()).resolves.toBeUndefined();
    expect(server.mails).toHaveLength(before);
    const nobody = await connectSmtp({ url: 'smtp://127.0.0.1:1', from });
    await expect(nobody.probe()).rejects.toThrow('ECONNREFUSED');
  });
});
