export const METRES = { mm: 0.001, m: 1, km: 1000 } as const;

export type Unit = keyof typeof METRES;

export function isUnit(text: string): text is Unit {
  return Object.hasOwn(METRES, text);
}
