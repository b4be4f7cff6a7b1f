export interface QuotaMeterProps {
  /** What the section is called. */
  readonly name: string;
  /** What is counted, such as `receipts`. */
  readonly what: string;
  readonly used: number;
  readonly limit: number;
  readonly level: 'comfortable' | 'near' | 'exhausted';
  readonly resetsOn: string;
}

export function QuotaMeter({ name, what, used, limit, level, resetsOn }: QuotaMeterProps) {
  // After a change to a smaller plan more may be used than the bar is long.
  const shown = Math.min(used, limit);
  return (
    <section className={`quota quota-${level}`} aria-label={name}>
      <p className="quota-count">
        <strong>{used}</strong> of {limit} {what} used this month
      </p>
      <progress max={limit} value={shown} aria-label={`${name} used this month`} />
      <p className="quota-reset">{advice(level, resetsOn)}</p>
    </section>
  );
}

function advice(level: QuotaMeterProps['level'], resetsOn: string): string {
  switch (level) {
    case 'comfortable':
      return `Starts again on ${resetsOn}.`;
    case 'near':
      return `Nearly used up. Starts again on ${resetsOn}.`;
    case 'exhausted':
      return `Used up. Starts again on ${resetsOn}, or with a larger plan.`;
  }
}
