import { plans } from '@receipts/core';
import { Button } from '@receipts/ui';
import { useState } from 'react';
import { SignInForm } from './SignInForm.tsx';
import { SignUpForm } from './SignUpForm.tsx';

export function Welcome({ onSignedIn }: { readonly onSignedIn: () => void }) {
  const [known, setKnown] = useState(false);

  return (
    <main className="welcome">
      <header className="welcome-pitch">
        <p className="brand">Receipts</p>
        <h1>Every receipt of your business, in one place</h1>
        <p className="lead">
          Add a receipt in seconds, keep the scan beside it, and see at a glance what you spent. The
          free plan keeps {plans.free.receiptsPerMonth} receipts a month.
        </p>
      </header>
      <section className="card" aria-labelledby="welcome-form">
        <h2 id="welcome-form">{known ? 'Sign in' : 'Create an account'}</h2>
        {known ? <SignInForm onSignedIn={onSignedIn} /> : <SignUpForm onSignedIn={onSignedIn} />}
        <p className="switch">
          {known ? 'New here?' : 'Already have an account?'}{' '}
          <Button
            tone="plain"
            onClick={() => {
              setKnown(!known);
            }}
          >
            {known ? 'Create an account instead' : 'Sign in instead'}
          </Button>
        </p>
      </section>
    </main>
  );
}
