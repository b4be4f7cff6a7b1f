export * from './attachment.ts';
export * from './calendar-date.ts';
export * from './extraction.ts';
export * from './money.ts';
export * from './plan.ts';
export * from './receipt.ts';
export * from './result.ts';
export type * from './vendor-state.ts';
