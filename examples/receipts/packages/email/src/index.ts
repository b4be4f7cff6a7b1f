export * from './html.ts';
export type * from './message.ts';
export * from './resend.ts';
export * from './smtp.ts';
export * from './templates.ts';
export * from './transport.ts';
