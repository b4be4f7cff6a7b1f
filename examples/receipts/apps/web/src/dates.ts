const long = new Intl.DateTimeFormat('en', { dateStyle: 'long', timeZone: 'UTC' });

/** `2026-11-25` as people write it. The day has no time zone, so none may shift it. */
export function longDate(day: string): string {
  return long.format(new Date(`${day}T00:00:00Z`));
}

/** Today where the person is, not where UTC is. */
export function today(now = new Date()): string {
  const two = (part: number): string => String(part).padStart(2, '0');
  return `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
}
