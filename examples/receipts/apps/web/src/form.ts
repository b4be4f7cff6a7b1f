import type { SubmitEvent } from 'react';

/** Hands the form's data on instead of letting the browser leave the page. */
export const onForm =
  (handle: (data: FormData, form: HTMLFormElement) => void) =>
  (event: SubmitEvent<HTMLFormElement>): void => {
    event.preventDefault();
    handle(new FormData(event.currentTarget), event.currentTarget);
  };

export function text(data: FormData, name: string): string {
  const value = data.get(name);
  return typeof value === 'string' ? value : '';
}
