import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './App.tsx';
import { reportError, watchErrors } from './error-reporting.ts';
import { FailureBoundary } from './Failure.tsx';
import './styles.css';

watchErrors();

const root = document.getElementById('root');
if (root === null) {
  throw new Error('The page has no #root.');
}
createRoot(root, { onCaughtError: reportError }).render(
  <StrictMode>
    <FailureBoundary>
      <App />
    </FailureBoundary>
  </StrictMode>,
);
