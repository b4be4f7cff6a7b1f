import type { ComponentProps } from 'react';

export interface ButtonProps extends ComponentProps<'button'> {
  readonly tone?: 'primary' | 'quiet' | 'plain' | 'danger';
  readonly busy?: boolean;
}

/** A button that does not submit a form by accident and says when it is busy. */
export function Button({ tone = 'primary', busy = false, disabled, ...rest }: ButtonProps) {
  return (
    <button
      type="button"
      {...rest}
      className={`button button-${tone}`}
      aria-busy={busy}
      disabled={disabled === true || busy}
    />
  );
}
