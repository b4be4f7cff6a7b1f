/** A day as printed on a receipt, `2026-11-25`: no time and no time zone. */
export function isCalendarDate(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) {
    return false;
  }
  const date = new Date(`${text}T00:00:00Z`);
  // Date rolls 30 February over into March instead of refusing it.
  return !Number.isNaN(date.getTime()) && toCalendarDate(date) === text;
}

export function toCalendarDate(date: Date): string {
  return date.toISOString().slice(0, 10);
}

/** The day after, where UTC stands: somewhere on earth it has already begun. */
export function latestDayOnEarth(now: Date): string {
  return toCalendarDate(new Date(now.getTime() + 14 * 60 * 60 * 1000));
}
