import { useCallback, useState } from 'react';
import { forgetSession, mayBeSignedIn } from './api/session.ts';
import { Dashboard } from './Dashboard.tsx';
import { Welcome } from './Welcome.tsx';

export function App() {
  const [signedIn, setSignedIn] = useState(mayBeSignedIn);
  const enter = useCallback(() => {
    setSignedIn(true);
  }, []);
  const leave = useCallback(() => {
    forgetSession();
    setSignedIn(false);
  }, []);

  return signedIn ? <Dashboard onSignedOut={leave} /> : <Welcome onSignedIn={enter} />;
}
