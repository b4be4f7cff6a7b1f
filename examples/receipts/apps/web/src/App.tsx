import { lazy, Suspense, useCallback, useState } from 'react';
import { forgetSession, mayBeSignedIn } from './api/session.ts';
import { Welcome } from './Welcome.tsx';

// A newcomer does not wait for what only people with an account see.
const Dashboard = lazy(() => import('./Dashboard.tsx'));

export function App() {
  const [signedIn, setSignedIn] = useState(mayBeSignedIn);
  const enter = useCallback(() => {
    setSignedIn(true);
  }, []);
  const leave = useCallback(() => {
    forgetSession();
    setSignedIn(false);
  }, []);

  return signedIn ? (
    <Suspense>
      <Dashboard onSignedOut={leave} />
    </Suspense>
  ) : (
    <Welcome onSignedIn={enter} />
  );
}
