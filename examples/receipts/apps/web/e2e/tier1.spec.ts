import { expect, test } from '@playwright/test';
import { addReceipt, newPerson, signIn, signUp } from './people.ts';

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
