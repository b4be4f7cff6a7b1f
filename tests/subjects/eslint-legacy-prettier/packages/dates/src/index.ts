const DAY = 24 * 60 * 60 * 1000;

export function addDays(date: Date, days: number): Date {
  return new Date(date.getTime() + days * DAY);
}

export function iso(date: Date): string {
  return date.toISOString().slice(0, 10);
}
