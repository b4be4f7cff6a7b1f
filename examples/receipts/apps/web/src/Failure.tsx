import { Button, Notice } from '@receipts/ui';
import { Component, type ReactNode } from 'react';

/** What is shown in place of a page that broke. */
export class FailureBoundary extends Component<
  { readonly children: ReactNode },
  { readonly broken: boolean }
> {
  override state = { broken: false };

  static getDerivedStateFromError() {
    return { broken: true };
  }

  override render() {
    if (!this.state.broken) {
      return this.props.children;
    }
    return (
      <main className="dashboard">
        <Notice tone="error">Something went wrong on this page.</Notice>
        <p>
          <Button
            onClick={() => {
              location.reload();
            }}
          >
            Load it again
          </Button>
        </p>
      </main>
    );
  }
}
