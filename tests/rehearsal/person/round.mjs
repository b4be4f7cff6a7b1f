// A person at the product: round.mjs PLACES BROWSER FILE PICTURE
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { chromium } from 'playwright-core';

const [places, executablePath, file, picture] = process.argv.slice(2);
const at = JSON.parse(places);
const patient = 30_000;
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

const browser = await chromium.launch({ executablePath });
const page = await browser.newPage();
page.setDefaultTimeout(patient);
const told = { failures: [] };
page.on('response', (answer) => {
  if (answer.status() >= 400) told.failures.push(`${answer.status()} ${new URL(answer.url()).pathname.replace(/cs_\w+/, '…')}`);
});
const button = (name) => page.getByRole('button', { name, exact: true });

try {
  const email = `ada-${Date.now()}@example.test`;
  const password = 'correct horse battery';
  await page.goto(at.Receipts);
  await page.getByLabel('Name').fill('Ada');
  await page.getByLabel('E-mail').fill(email);
  await page.getByLabel('Password').fill(password);
  await button('Create account').click();
  await button('Sign out').click();
  await button('Sign in instead').click();
  await page.getByLabel('E-mail').fill(email);
  await page.getByLabel('Password').fill(password);
  await button('Sign in').click();
  await page.getByRole('heading', { name: 'Your receipts' }).waitFor();

  await page.getByLabel('Scan').setInputFiles(file);
  await button('Read it with AI').click();
  await page.getByText('Read by AI. Look it over').waitFor();
  told.read = {
    merchant: await page.getByLabel('Merchant').inputValue(),
    amount: await page.getByLabel('Amount').inputValue(),
    date: await page.getByLabel('Date').inputValue(),
  };
  await button('Add receipt').click();
  const link = page.getByRole('region', { name: 'Receipts' }).getByRole('link');
  await link.waitFor();
  const [download] = await Promise.all([page.waitForEvent('download'), link.click()]);
  told.same = sha256(await readFile(await download.path())) === sha256(await readFile(file));
  told.file = download.suggestedFilename();

  await button('Upgrade to Pro').click();
  await page.waitForURL(`${at.Stripe}/**`);
  await page.getByLabel('Card number').fill('4000 0000 0000 0002');
  await button('Subscribe').click();
  told.declined = await page.getByRole('alert').innerText();
  await page.getByLabel('Card number').fill('4242 4242 4242 4242');
  await button('Subscribe').click();
  await page.getByText('Thank you: the Pro plan is yours.').waitFor();
  await page.getByRole('region', { name: 'Quota' }).getByText('1 of 200 receipts').waitFor();

  await page.evaluate(() => {
    setTimeout(() => {
      throw new Error('planted by a person');
    });
  });
  await page.screenshot({ path: picture, fullPage: true });

  await button('Manage your subscription').click();
  await page.waitForURL(`${at.Stripe}/**`);
  await button('Cancel now').click();
  await page.getByText('Ended.').waitFor();
  await page.getByRole('link', { name: 'Back' }).click();
  const given = () => page.getByRole('button', { name: /Upgrade to Pro|Manage your subscription/ }).innerText();
  for (const began = Date.now(); (await given()) !== 'Upgrade to Pro'; await page.reload()) {
    // Stripe tells the server in its own time.
    if (Date.now() - began > patient) throw new Error('the plan was given up and is still there');
    await page.waitForTimeout(500);
  }

  await page.goto(at.Resend);
  told.mails = await page.getByRole('row').filter({ hasText: email }).getByRole('link').allInnerTexts();
  await page.goto(at.Sentry);
  await page.getByRole('link', { name: 'planted by a person' }).click();
  told.error = await page.getByRole('heading', { level: 1 }).innerText();
  console.log(JSON.stringify(told));
} catch (error) {
  console.error(page.url(), await page.locator('body').innerText(), told);
  throw error;
} finally {
  await browser.close();
}
