import { Button, Notice, TextField } from '@receipts/ui';
import { signUp } from './api/session.ts';
import { onForm, text } from './form.ts';
import { useAction } from './use-action.ts';

export function SignUpForm({ onSignedIn }: { readonly onSignedIn: () => void }) {
  const { busy, error, run } = useAction(async (data: FormData) => {
    await signUp({
      name: text(data, 'name'),
      email: text(data, 'email'),
      password: text(data, 'password'),
    });
    onSignedIn();
  });

  return (
    <form onSubmit={onForm((data) => void run(data))}>
      {error && <Notice tone="error">{error.message}</Notice>}
      <TextField label="Name" name="name" autoComplete="name" maxLength={100} required />
      <TextField label="E-mail" name="email" type="email" autoComplete="email" required />
      <TextField
        label="Password"
        name="password"
        type="password"
        autoComplete="new-password"
        hint="At least 10 characters."
        minLength={10}
        required
      />
      <Button type="submit" busy={busy}>
        Create account
      </Button>
    </form>
  );
}
