import { Button, Notice, TextField } from '@receipts/ui';
import { signIn } from './api/session.ts';
import { onForm, text } from './form.ts';
import { useAction } from './use-action.ts';

export function SignInForm({ onSignedIn }: { readonly onSignedIn: () => void }) {
  const { busy, error, run } = useAction(async (data: FormData) => {
    await signIn({ email: text(data, 'email'), password: text(data, 'password') });
    onSignedIn();
  });

  return (
    <form onSubmit={onForm((data) => void run(data))}>
      {error && <Notice tone="error">{error.message}</Notice>}
      <TextField label="E-mail" name="email" type="email" autoComplete="email" required />
      <TextField
        label="Password"
        name="password"
        type="password"
        autoComplete="current-password"
        required
      />
      <Button type="submit" busy={busy}>
        Sign in
      </Button>
    </form>
  );
}
