// Somebody new at an address of the product: newcomer.mjs ADDRESS BROWSER
import { chromium } from 'playwright-core';

const [address, executablePath] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath });
const page = await browser.newPage();
page.setDefaultTimeout(30_000);
try {
  await page.goto(address);
  await page.getByLabel('Name').fill('Grace');
  await page.getByLabel('E-mail').fill(`grace-${Date.now()}@example.test`);
  await page.getByLabel('Password').fill('correct horse battery');
  await page.getByRole('button', { name: 'Create account', exact: true }).click();
  await page.getByRole('heading', { name: 'Your receipts' }).waitFor();
  await page.getByLabel('Merchant').fill('Corner Bakery');
  await page.getByLabel('Amount').fill('12.50');
  await page.getByRole('button', { name: 'Add receipt' }).click();
  const receipt = page.getByRole('region', { name: 'Receipts' }).getByRole('listitem');
  const there = (await receipt.innerText()).includes('Corner Bakery');
  console.log(JSON.stringify({ there, origin: new URL(page.url()).origin }));
} catch (error) {
  console.error(page.url(), await page.locator('body').innerText());
  throw error;
} finally {
  await browser.close();
}
