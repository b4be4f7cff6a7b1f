export * from './memory-store.ts';
export * from './meter.ts';
export * from './month.ts';
export * from './store.ts';
export * from './usage.ts';
