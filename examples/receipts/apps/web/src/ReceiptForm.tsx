import {
  checkReceipt,
  type FieldErrors,
  mediaTypes,
  type ReceiptDraft,
  toDraft,
} from '@receipts/core';
import { Button, Notice, TextField } from '@receipts/ui';
import { useRef, useState } from 'react';
import type { Deployment } from './api/deployment.ts';
import { addReceipt, readFile } from './api/receipts.ts';
import { today } from './dates.ts';
import { onForm } from './form.ts';
import { ReceiptFields } from './ReceiptFields.tsx';
import { describeReading, mergeDraft } from './read-draft.ts';
import { useAction } from './use-action.ts';

export interface ReceiptFormProps {
  readonly deployment: Deployment;
  readonly onAdded: () => Promise<void>;
}

interface Filled {
  /** Changes with every filling, so that the fields start anew from the draft. */
  readonly turn: number;
  readonly draft: ReceiptDraft;
}

const blank = (): ReceiptDraft => ({
  merchant: '',
  purchasedOn: today(),
  amount: '',
  currency: 'EUR',
  note: '',
});

export function ReceiptForm({ deployment, onAdded }: ReceiptFormProps) {
  const form = useRef<HTMLFormElement>(null);
  const [mistakes, setMistakes] = useState<FieldErrors>({});
  const [filled, setFilled] = useState<Filled>({ turn: 0, draft: blank() });
  const [file, setFile] = useState<File>();
  const [told, setTold] = useState<string>();

  const fill = (draft: ReceiptDraft): void => {
    setFilled(({ turn }) => ({ turn: turn + 1, draft }));
  };

  const adding = useAction(async (data: FormData) => {
    setTold(undefined);
    // The same rules as the server's, so that a typing error costs no round trip.
    const checked = checkReceipt(toDraft(Object.fromEntries(data)), new Date());
    setMistakes(checked.ok ? {} : checked.error);
    if (!checked.ok) {
      return;
    }
    try {
      await addReceipt(data);
      form.current?.reset();
      setFile(undefined);
      fill(blank());
      setTold(saved(deployment));
    } finally {
      // Also after a refusal: the quota may have been used up in another window.
      await onAdded();
    }
  });

  const reading = useAction(async () => {
    setTold(undefined);
    if (form.current === null || file === undefined) {
      return;
    }
    const typed = toDraft(Object.fromEntries(new FormData(form.current)));
    try {
      const read = await readFile(file);
      setMistakes({});
      fill(mergeDraft(typed, read));
      setTold(describeReading(read));
    } finally {
      await onAdded();
    }
  });

  const error = adding.error ?? reading.error;
  const refused = adding.error?.fields ?? {};
  const canRead = deployment.services.ai === 'configured';

  return (
    <section className="card" aria-labelledby="add-receipt">
      <h2 id="add-receipt">Add a receipt</h2>
      <form ref={form} noValidate onSubmit={onForm((data) => void adding.run(data))}>
        {error && (
          <Notice tone={error.status === 402 ? 'warning' : 'error'}>
            {error.message}
            {error === reading.error &&
              error.status !== 402 &&
              ' Nothing was counted: you can fill it in yourself.'}
          </Notice>
        )}
        {told !== undefined && <Notice tone="info">{told}</Notice>}
        <div className="scan">
          <TextField
            label="Scan"
            name="file"
            type="file"
            accept={mediaTypes.join(',')}
            hint="PDF, JPEG or PNG, at most 2 MB."
            error={refused.file ?? reading.error?.fields.file}
            onChange={({ currentTarget }) => {
              setFile(currentTarget.files?.[0]);
              reading.forget();
            }}
          />
          {canRead ? (
            <Button
              tone="quiet"
              busy={reading.busy}
              disabled={file === undefined}
              onClick={() => void reading.run()}
            >
              {reading.busy ? 'Reading …' : 'Read it with AI'}
            </Button>
          ) : (
            <p className="field-hint">
              Reading scans by AI is not configured here: fill in the fields yourself.
            </p>
          )}
        </div>
        <ReceiptFields
          key={filled.turn}
          draft={filled.draft}
          mistakes={{ ...refused, ...mistakes }}
        />
        <Button type="submit" busy={adding.busy} disabled={reading.busy}>
          Add receipt
        </Button>
      </form>
    </section>
  );
}

function saved({ services }: Deployment): string {
  return services.email === 'configured'
    ? 'Saved. A confirmation is on its way to you by e-mail.'
    : 'Saved. E-mail is not configured here, so no confirmation is sent.';
}
