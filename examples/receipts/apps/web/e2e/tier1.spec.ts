import { createHash } from 'node:crypto';
import { expect, test } from '@playwright/test';
import { addReceipt, newPerson, signIn, signUp } from './people.ts';
import { bakery } from './samples.ts';

test.describe('the daily way', { tag: '@tier1' }, () => {
  test('a newcomer signs up and finds an empty workspace', async ({ page }) => {
    await signUp(page, newPerson('Grace'));
    await expect(page.getByText("Grace's workspace")).toBeVisible();
    await expect(page.getByText('No receipts yet')).toBeVisible();
  });

  test('a receipt is added and still there after a reload', async ({ page }) => {
    await signUp(page, newPerson());
    await addReceipt(page, 'Corner Bakery', '12.50');
    const receipts = page.getByRole('region', { name: 'Receipts' });
    await expect(receipts.getByText('Corner Bakery')).toBeVisible();
    await page.reload();
    await expect(receipts.getByRole('listitem')).toHaveCount(1);
    await expect(receipts.getByRole('listitem')).toContainText('€12.50');
  });

  test('a scan comes back byte for byte, with its checksum', async ({ page }) => {
    await signUp(page, newPerson());
    await page.getByLabel('Scan').setInputFiles(bakery.path);
    await addReceipt(page, 'Corner Bakery', '12.50');

    const link = page.getByRole('link', { name: 'corner-bakery.pdf' });
    const path = (await link.getAttribute('href')) ?? '';
    const file = await page.request.get(path);
    const bytes = await bakery.bytes();
    expect(file.headers()['content-type']).toBe('application/pdf');
    expect(await file.body()).toEqual(bytes);
    const digest = createHash('sha256').update(bytes).digest('base64');
    expect(file.headers()['repr-digest']).toBe(`sha-256=:${digest}:`);
  });

  test('a file that is no scan is refused, and nothing is kept', async ({ page }) => {
    await signUp(page, newPerson());
    await page.getByLabel('Scan').setInputFiles({
      name: 'scan.png',
      mimeType: 'image/png',
      buffer: Buffer.from('<script>alert(1)</script>'),
    });
    await addReceipt(page, 'Corner Bakery', '12.50');
    await expect(page.getByLabel('Scan')).toHaveAccessibleDescription(/PDF, JPEG and PNG/);
    await expect(page.getByText('No receipts yet')).toBeVisible();
  });

  test('a mistake is corrected later', async ({ page }) => {
    await signUp(page, newPerson());
    await addReceipt(page, 'Corner Bekery', '12.50');
    const receipts = page.getByRole('region', { name: 'Receipts' });
    await receipts.getByRole('button', { name: 'Edit Corner Bekery' }).click();
    await receipts.getByLabel('Merchant').fill('Corner Bakery');
    await receipts.getByLabel('Amount').fill('13');
    await receipts.getByRole('button', { name: 'Save changes' }).click();
    await expect(receipts.getByRole('listitem')).toContainText('Corner Bakery');
    await expect(receipts.getByRole('listitem')).toContainText('€13.00');
  });

  test('the page says what is set up here, and nothing else pretends to be', async ({ page }) => {
    await signUp(page, newPerson());
    const config = await page.request.get('/api/config');
    const { services } = (await config.json()) as { services: Record<string, string> };
    const shown = page.getByRole('region', { name: 'Services' });
    await expect(shown).toContainText(`Reading by AI${services.ai ?? ''}`);
    await expect(shown).toContainText(`E-mail${services.email ?? ''}`);
    await expect(shown).toContainText(`Payments${services.payments ?? ''}`);

    const isOff = (name: string): boolean => services[name] === 'not configured';
    const reading = page.getByRole('button', { name: 'Read it with AI' });
    await expect(reading).toHaveCount(isOff('ai') ? 0 : 1);
    const upgrade = page.getByRole('button', { name: 'Upgrade to Pro' });
    await expect(upgrade).toHaveCount(isOff('payments') ? 0 : 1);
    const asked = await page.request.post('/api/billing/checkout', { data: { plan: 'gold' } });
    expect(asked.status()).toBe(isOff('payments') ? 503 : 422);

    await addReceipt(page, 'Corner Bakery', '1');
    const told = isOff('email') ? 'E-mail is not configured here' : 'on its way to you by e-mail';
    await expect(page.getByText(told)).toBeVisible();
  });

  test('the quota counts along', async ({ page }) => {
    await signUp(page, newPerson());
    const quota = page.getByRole('region', { name: 'Quota' });
    await expect(quota).toContainText('0 of 10 receipts');
    await addReceipt(page, 'Corner Bakery', '3');
    await expect(quota).toContainText('1 of 10 receipts');
  });

  test('mistakes are shown at their field and nothing is sent', async ({ page }) => {
    await signUp(page, newPerson());
    await addReceipt(page, '', 'twelve');
    await expect(page.getByLabel('Merchant')).toHaveAccessibleDescription(/where you bought it/);
    await expect(page.getByLabel('Amount')).toHaveAccessibleDescription(/digits/);
    await expect(page.getByText('No receipts yet')).toBeVisible();
  });

  test('signing out and in again leads back to the same receipts', async ({ page }) => {
    const person = newPerson();
    await signUp(page, person);
    await addReceipt(page, 'Book Barn', '9.90');
    await expect(page.getByText('Book Barn')).toBeVisible();

    await page.getByRole('button', { name: 'Sign out' }).click();
    await expect(page.getByRole('heading', { name: 'Create an account' })).toBeVisible();
    expect((await page.request.get('/api/receipts')).status()).toBe(401);

    await signIn(page, person);
    await expect(page.getByText('Book Barn')).toBeVisible();
  });
});
