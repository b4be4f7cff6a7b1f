import { expect, test } from '@playwright/test';
import { addReceipt, newPerson, newPersonAt, signUp } from './people.ts';
import { bakery } from './samples.ts';
import {
  deliveryOf,
  isInMailpit,
  needs,
  paysOnThePage,
  setting,
  tellOfPurchase,
} from './vendors.ts';

const yes = (): boolean => true;
const no = (): boolean => false;

// Flows that need an outside service: run with the settings that the app under test has itself.

test.describe('reading by AI', { tag: '@tier2' }, () => {
  needs('ai');

  test('a scan fills the form, the person looks it over, and it is kept', async ({ page }) => {
    await signUp(page, newPerson());
    await expect(page.getByRole('button', { name: 'Read it with AI' })).toBeDisabled();
    await page.getByLabel('Scan').setInputFiles(bakery.path);
    await page.getByRole('button', { name: 'Read it with AI' }).click();
    await expect(page.getByText('Read by AI. Look it over')).toBeVisible({ timeout: 60_000 });
    await expect(page.getByLabel('Merchant')).toHaveValue(bakery.merchant);
    await expect(page.getByLabel('Amount')).toHaveValue(bakery.amount);
    await expect(page.getByLabel('Currency')).toHaveValue(bakery.currency);
    await expect(page.getByLabel('Date')).toHaveValue(bakery.purchasedOn);
    await expect(page.getByRole('region', { name: 'AI readings' })).toContainText('1 of 5');

    await page.getByLabel('Merchant').fill('Corner Bakery, Dublin');
    await page.getByRole('button', { name: 'Add receipt' }).click();
    const receipts = page.getByRole('region', { name: 'Receipts' });
    await expect(receipts.getByRole('listitem')).toContainText('Corner Bakery, Dublin');
    await expect(receipts.getByRole('link')).toHaveText('corner-bakery.pdf');
  });

  test('the AI is there when it is asked', async ({ request }) => {
    expect(await (await request.get('/health/ai')).json()).toMatchObject({ state: 'reachable' });
  });
});

test.describe('e-mail through Resend', { tag: '@tier2' }, () => {
  needs('resend');

  test('the confirmation of a receipt is delivered', async ({ page, request }) => {
    const inbox = setting('E2E_INBOX') || 'delivered@resend.dev';
    const person = newPersonAt(inbox);
    await signUp(page, person);
    await addReceipt(page, 'Corner Bakery', '12.50');
    await expect
      .poll(() => deliveryOf(request, person.email, 'Saved: Corner Bakery, €12.50'), {
        timeout: 60_000,
      })
      .toBe('delivered');
  });
});

test.describe('e-mail through a mail server', { tag: '@tier2' }, () => {
  needs('smtp');

  test('the confirmation of a receipt arrives', async ({ page, request }) => {
    const person = newPerson();
    await signUp(page, person);
    await addReceipt(page, 'Corner Bakery', '12.50');
    await expect
      .poll(() => isInMailpit(request, person.email, 'Saved: Corner Bakery'), { timeout: 60_000 })
      .toBe(true);
  });
});

test.describe('payments', { tag: '@tier2' }, () => {
  needs('payments');

  test('a plan is bought at Stripe and lifts the quota', async ({ page }) => {
    await signUp(page, newPerson());
    const asked = page.waitForResponse('**/api/billing/checkout');
    const ours = new URL(page.url()).origin;
    const left = page.waitForURL(({ origin }) => origin !== ours, { waitUntil: 'commit' });
    await page.getByRole('button', { name: 'Upgrade to Pro' }).click();
    const answer = await asked;
    expect(answer.status()).toBe(200);
    await left;
    const region = page.getByRole('region', { name: 'Quota' });
    const thanks = page.getByText('Thank you: the Pro plan is yours.');
    const paid = await paysOnThePage(page);
    // Stripe itself tells what is served where its webhook leads: that may be no deployment yet, or
    // another one than this.
    const told = paid && (await thanks.waitFor({ timeout: 8000 }).then(yes, no));
    if (!told) {
      if (!paid) {
        // The person comes back before anybody has told us: nothing is promised yet.
        await page.goto('/?billing=done');
        await expect(page.getByText('Waiting for the payment')).toBeVisible();
      }
      const account = await page.request.get('/api/usage');
      const { workspace } = (await account.json()) as { workspace: { id: string } };
      await tellOfPurchase(page.request, workspace.id, 'pro');
      test.info().annotations.push({ type: 'webhook', description: 'told by the test' });
    }
    await expect(thanks).toBeVisible();
    await expect(region).toContainText('0 of 200 receipts');
    await expect(page.getByRole('button', { name: 'Manage your subscription' })).toBeVisible();
  });

  test('somebody who turns back has bought nothing', async ({ page }) => {
    await signUp(page, newPerson());
    await page.goto('/?billing=cancelled');
    await expect(page.getByText('Nothing was bought')).toBeVisible();
    await expect(page.getByRole('region', { name: 'Quota' })).toContainText('0 of 10 receipts');
    await expect(page).toHaveURL('/');
  });

  test('Stripe is there when it is asked', async ({ request }) => {
    const answer = await request.get('/health/payments');
    expect(await answer.json()).toMatchObject({ state: 'reachable' });
  });
});

test.describe('error reports', { tag: '@tier2' }, () => {
  needs('errors');

  test('an error in the page is reported with the commit', async ({ page }) => {
    const { origin } = new URL(setting('SENTRY_DSN_WEB'));
    await page.route(`${origin}/**`, (route) => route.fulfill({ status: 200, json: {} }));
    await page.goto('/');
    const reported = page.waitForRequest((request) => request.url().startsWith(origin));
    const words = 'planted by a test';
    await page.evaluate((message) => {
      setTimeout(() => {
        throw new Error(message);
      });
    }, words);
    const body = (await reported).postData() ?? '';
    const { commit } = (await (await page.request.get('/version')).json()) as { commit: string };
    expect(body).toContain(words);
    expect(body).toContain(`"release":"${commit}"`);
  });
});
