import { postJson } from './http.ts';

/**
 * The session itself is in a cookie that scripts cannot read. This only remembers that there may be
 * one, so that the first page needs no request at all for somebody who never signed in.
 */
const hint = 'receipts.signed-in';

export const mayBeSignedIn = (): boolean => localStorage.getItem(hint) !== null;

export const forgetSession = (): void => {
  localStorage.removeItem(hint);
};

export interface Credentials {
  readonly email: string;
  readonly password: string;
}

export async function signIn(credentials: Credentials): Promise<void> {
  await postJson('/api/auth/sign-in/email', credentials);
  localStorage.setItem(hint, '1');
}

export async function signUp(credentials: Credentials & { readonly name: string }): Promise<void> {
  await postJson('/api/auth/sign-up/email', credentials);
  localStorage.setItem(hint, '1');
}

export async function signOut(): Promise<void> {
  await postJson('/api/auth/sign-out', {});
  forgetSession();
}
