export * from './Button.tsx';
export * from './EmptyState.tsx';
export * from './Field.tsx';
export * from './Notice.tsx';
export * from './QuotaMeter.tsx';
export * from './StateList.tsx';
