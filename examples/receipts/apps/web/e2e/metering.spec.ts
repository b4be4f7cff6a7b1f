import { type APIResponse, expect, type Page, test } from '@playwright/test';
import { addReceipt, newPerson, signUp } from './people.ts';
import { needs, setting } from './vendors.ts';

const limit = 10;
const form = { merchant: 'Shop', purchasedOn: '2026-01-15', amount: '1', currency: 'EUR' };

type Headers = Record<string, string>;

interface Usage {
  readonly used: number;
  readonly remaining: number;
  readonly resetsAt: string;
}

const post = (page: Page, headers: Headers = {}): Promise<APIResponse> =>
  page.request.post('/api/receipts', { data: form, headers });

async function use(page: Page, units: number, headers: Headers = {}): Promise<void> {
  for (let i = 0; i < units; i += 1) {
    expect((await post(page, headers)).status()).toBe(201);
  }
}

async function usageOf(page: Page, headers: Headers = {}): Promise<Usage> {
  const answer = await page.request.get('/api/usage', { headers });
  expect(answer.status()).toBe(200);
  return ((await answer.json()) as { usage: Usage }).usage;
}

async function receiptsOf(page: Page): Promise<number> {
  const answer = await page.request.get('/api/receipts');
  return ((await answer.json()) as { receipts: readonly unknown[] }).receipts.length;
}

/** As README.md documents it. */
const refusal = (resetsAt: string) => ({
  error: {
    code: 'quota_exhausted',
    message: 'All receipts of this month are used.',
    meter: 'receipts',
    plan: 'free',
    used: limit,
    limit,
    resetsAt,
    upgradeTo: 'pro',
  },
});

test.describe('metering', { tag: '@tier2' }, () => {
  test('the last unit passes, the next is refused with the documented answer', async ({ page }) => {
    await signUp(page, newPerson());
    const { resetsAt } = await usageOf(page);
    await use(page, limit);
    const refused = await post(page);
    expect(refused.status()).toBe(402);
    expect(await refused.json()).toEqual(refusal(resetsAt));
    expect(await receiptsOf(page)).toBe(limit);
  });

  test('many at once at the edge do not overspend', async ({ page }) => {
    await signUp(page, newPerson());
    await use(page, limit - 3);
    const answers = await Promise.all(Array.from({ length: 20 }, () => post(page)));
    const statuses = answers.map((answer) => answer.status());
    expect(statuses.filter((status) => status === 201)).toHaveLength(3);
    expect(statuses.filter((status) => status === 402)).toHaveLength(17);
    expect(await receiptsOf(page)).toBe(limit);
    expect(await usageOf(page)).toMatchObject({ used: limit, remaining: 0 });
  });

  test('the page tells of the last receipt of the month, and of one too many', async ({ page }) => {
    await signUp(page, newPerson());
    const quota = page.getByRole('region', { name: 'Quota' });
    await use(page, limit - 1);
    await page.reload();
    await expect(quota).toContainText('Nearly used up');

    await addReceipt(page, 'The last one', '1');
    await expect(quota).toContainText('10 of 10 receipts');
    await addReceipt(page, 'One too many', '1');
    await expect(page.getByText('All receipts of this month are used.')).toBeVisible();
    await expect(page.getByRole('listitem')).toHaveCount(limit);
  });

  test('nobody without the key is counted in another month', async ({ page }) => {
    await signUp(page, newPerson());
    const guess = { 'x-synthetic': 'a-guess', 'x-synthetic-month': 'next' };
    expect((await post(page, guess)).status()).toBe(403);
    expect(await usageOf(page)).toMatchObject({ used: 0 });
  });
});

test.describe('metering when the month is over', { tag: '@tier2' }, () => {
  needs('metering');

  test('the whole quota is there again, and ends again', async ({ page }) => {
    const next = { 'x-synthetic': setting('SYNTHETIC_KEY'), 'x-synthetic-month': 'next' };
    await signUp(page, newPerson());
    await use(page, limit);
    expect((await post(page)).status()).toBe(402);
    const before = await usageOf(page);
    expect(before.used).toBe(limit);

    const fresh = await usageOf(page, next);
    expect(fresh).toMatchObject({ used: 0, remaining: limit });
    expect(Date.parse(fresh.resetsAt)).toBeGreaterThan(Date.parse(before.resetsAt));
    await use(page, limit, next);
    const refused = await post(page, next);
    expect(refused.status()).toBe(402);
    expect(await refused.json()).toEqual(refusal(fresh.resetsAt));
    expect(await usageOf(page)).toEqual(before);
  });
});
