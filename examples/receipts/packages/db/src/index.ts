export * from './config.ts';
export * from './env-file.ts';
export * from './migrate/migrate.ts';
export * from './pool.ts';
export * from './receipts.ts';
export * from './usage-store.ts';
export * from './workspace.ts';
