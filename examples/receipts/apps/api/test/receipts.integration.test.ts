import { createHash } from 'node:crypto';
import { inWorkspaceOf } from '@receipts/db';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  createTestApp,
  draft,
  origin,
  pdf,
  type TestApp,
  type TestUser,
  upload,
} from './support.ts';

describe('receipts', () => {
  let test: TestApp;
  let user: TestUser;

  beforeAll(async () => {
    test = createTestApp();
    user = await test.signUp();
  });

  afterAll(() => test.close());

  it.each([
    ['GET', '/api/receipts'],
    ['POST', '/api/receipts'],
    ['GET', '/api/receipts/00000000-0000-4000-8000-000000000000'],
    ['GET', '/api/receipts/00000000-0000-4000-8000-000000000000/file'],
    ['PATCH', '/api/receipts/00000000-0000-4000-8000-000000000000'],
    ['DELETE', '/api/receipts/00000000-0000-4000-8000-000000000000'],
    ['POST', '/api/readings'],
    ['POST', '/api/billing/checkout'],
    ['POST', '/api/billing/portal'],
    ['GET', '/api/usage'],
  ])('answers 401 to %s %s without a session', async (method, path) => {
    const response = await test.app.request(`${origin}${path}`, { method, headers: { origin } });
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({ error: { code: 'unauthenticated' } });
  });

  it('keeps a receipt and gives it back', async () => {
    const { id } = await user.addReceipt({ note: 'lunch' });
    const response = await user.request(`/api/receipts/${id}`);
    expect(await response.json()).toMatchObject({
      receipt: {
        id,
        merchant: 'Corner Bakery',
        purchasedOn: '2026-11-24',
        total: { minor: 1250, currency: 'EUR' },
        note: 'lunch',
        fileName: null,
      },
    });
  });

  it('confirms by e-mail', async () => {
    await user.addReceipt({ merchant: 'Mailed Shop' });
    const subjects = test.email.sent.filter(({ to }) => to === user.email).map((m) => m.subject);
    expect(subjects).toContain('Saved: Mailed Shop, €12.50');
    expect(subjects).toContain('Welcome to Receipts');
  });

  it('names the fields that are wrong', async () => {
    const response = await user.post('/api/receipts', { ...draft, amount: '-1', merchant: '' });
    expect(response.status).toBe(422);
    const { error } = (await response.json()) as { error: { fields: object } };
    expect(Object.keys(error.fields).sort()).toEqual(['amount', 'merchant']);
  });

  it('keeps a file and gives the same bytes back, as a download', async () => {
    const bytes = new TextEncoder().encode('%PDF-1.7\nA receipt.\n');
    const form = upload(new File([bytes], 'märz.pdf', { type: 'text/html' }), draft);
    const created = await user.request('/api/receipts', { method: 'POST', body: form });
    expect(created.status).toBe(201);
    const { receipt } = (await created.json()) as { receipt: { id: string; fileName: string } };
    expect(receipt.fileName).toBe('märz.pdf');

    const file = await user.request(`/api/receipts/${receipt.id}/file`);
    expect(file.headers.get('content-type')).toBe('application/pdf');
    expect(file.headers.get('content-disposition')).toMatch(/^attachment;/);
    const digest = createHash('sha256').update(bytes).digest('base64');
    expect(file.headers.get('repr-digest')).toBe(`sha-256=:${digest}:`);
    expect(new Uint8Array(await file.arrayBuffer())).toEqual(bytes);
  });

  it('does not hand out a file that is no longer the one that came in', async () => {
    const body = upload(pdf(), draft);
    const created = await user.request('/api/receipts', { method: 'POST', body });
    const { receipt } = (await created.json()) as { receipt: { id: string } };
    await inWorkspaceOf(test.pool, { id: user.id, name: '' }, (client) =>
      client.query('update receipt_files set bytes = $2 where receipt_id = $1', [
        receipt.id,
        Buffer.from('%PDF-1.7\nAnother one.\n'),
      ]),
    );
    expect((await user.request(`/api/receipts/${receipt.id}/file`)).status).toBe(500);
  });

  it('takes corrections by the rules for new receipts', async () => {
    const { id } = await user.addReceipt({ merchant: 'Corner Bekery' });
    const path = `/api/receipts/${id}`;
    const patch = (changes: object): Promise<Response> =>
      user.request(path, {
        method: 'PATCH',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ ...draft, ...changes }),
      });
    const corrected = await patch({ amount: '13', currency: 'USD', note: 'tip' });
    expect(corrected.status).toBe(200);
    const expected = {
      receipt: {
        id,
        merchant: 'Corner Bakery',
        total: { minor: 1300, currency: 'USD' },
        note: 'tip',
      },
    };
    expect(await corrected.json()).toMatchObject(expected);
    expect((await patch({ amount: 'much' })).status).toBe(422);
    expect(await (await user.request(path)).json()).toMatchObject(expected);
  });

  it('refuses a file of another kind and keeps nothing of it', async () => {
    const before = (await user.list()).length;
    const form = upload(new File(['<script>'], 'scan.png', { type: 'image/png' }), draft);
    const response = await user.request('/api/receipts', { method: 'POST', body: form });
    expect(response.status).toBe(422);
    expect(await user.list()).toHaveLength(before);
  });

  it('deletes once', async () => {
    const { id } = await user.addReceipt();
    const path = `/api/receipts/${id}`;
    expect((await user.request(path, { method: 'DELETE' })).status).toBe(204);
    expect((await user.request(path, { method: 'DELETE' })).status).toBe(404);
    expect((await user.request(path)).status).toBe(404);
  });

  it.each(['nonsense', '1', "' or 1=1 --"])('answers 404 for the id %j', async (id) => {
    expect((await user.request(`/api/receipts/${encodeURIComponent(id)}`)).status).toBe(404);
  });

  it('refuses bodies that it cannot read', async () => {
    const post = (type: string, body: string) =>
      user.request('/api/receipts', { method: 'POST', headers: { 'content-type': type }, body });
    expect((await post('application/json', '{')).status).toBe(400);
    expect((await post('application/json', '[]')).status).toBe(400);
    expect((await post('application/xml', '<a/>')).status).toBe(415);
    expect((await post('multipart/form-data; boundary=x', 'no form')).status).toBe(400);
  });

  it('refuses a form sent by a foreign page', async () => {
    const response = await test.app.request(`${origin}/api/receipts`, {
      method: 'POST',
      headers: {
        'content-type': 'multipart/form-data; boundary=x',
        origin: 'https://evil.example.test',
      },
      body: '',
    });
    expect(response.status).toBe(403);
    expect(await response.json()).toMatchObject({ error: { code: 'refused' } });
  });
});
