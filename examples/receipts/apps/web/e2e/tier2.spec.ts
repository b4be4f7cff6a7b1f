import { expect, test } from '@playwright/test';
import { addReceipt, newPerson, signIn, signUp } from './people.ts';

test.describe('further along', { tag: '@tier2' }, () => {
  test('a receipt that is deleted is gone', async ({ page }) => {
    await signUp(page, newPerson());
    await addReceipt(page, 'Corner Bakery', '12.50');
    await page.getByRole('button', { name: 'Delete Corner Bakery' }).click();
    await expect(page.getByText('No receipts yet')).toBeVisible();
  });

  test('nobody sees the receipts of somebody else', async ({ browser, page }) => {
    await signUp(page, newPerson('Ada'));
    await addReceipt(page, 'Only for Ada', '1');
    await expect(page.getByText('Only for Ada')).toBeVisible();

    const other = await browser.newPage();
    await signUp(other, newPerson('Ben'));
    await expect(other.getByText('No receipts yet')).toBeVisible();
    await other.close();
  });

  test('a wrong password lets nobody in', async ({ page }) => {
    await signIn(page, newPerson());
    await expect(page.getByRole('alert')).toContainText('Invalid email or password');
  });
});
