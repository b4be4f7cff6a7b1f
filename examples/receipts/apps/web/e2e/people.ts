import { randomUUID } from 'node:crypto';
import { expect, type Page } from '@playwright/test';

export interface Person {
  readonly name: string;
  readonly email: string;
  readonly password: string;
}

/** Somebody new: each test has its own people, so that tests never meet. */
export const newPerson = (name = 'Ada'): Person => ({
  name,
  email: `${randomUUID()}@example.test`,
  password: 'correct horse battery',
});

export async function signUp(page: Page, person: Person): Promise<void> {
  await page.goto('/');
  await page.getByLabel('Name').fill(person.name);
  await page.getByLabel('E-mail').fill(person.email);
  await page.getByLabel('Password').fill(person.password);
  await page.getByRole('button', { name: 'Create account' }).click();
  await expect(page.getByRole('heading', { name: 'Your receipts' })).toBeVisible();
}

export async function signIn(page: Page, { email, password }: Person): Promise<void> {
  await page.goto('/');
  await page.getByRole('button', { name: 'Sign in instead' }).click();
  await page.getByLabel('E-mail').fill(email);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
}

/** Somebody new whose mail can be found again, where the name of an address may have an addition. */
export const newPersonAt = (address: string, name = 'Ada'): Person => ({
  ...newPerson(name),
  email: address.replace('@', `+${randomUUID()}@`),
});

export async function addReceipt(page: Page, merchant: string, amount: string): Promise<void> {
  await page.getByLabel('Merchant').fill(merchant);
  await page.getByLabel('Amount').fill(amount);
  await page.getByRole('button', { name: 'Add receipt' }).click();
}
