export * from './attachment.ts';
export * from './calendar-date.ts';
export * from './money.ts';
export * from './plan.ts';
export * from './receipt.ts';
export * from './result.ts';
