/** A calendar month in UTC: what a quota is counted in. */
export interface Month {
  /** `2026-11` */
  readonly id: string;
  /** The first moment of the next month, when the count starts again. */
  readonly resetsAt: Date;
}

export function monthOf(moment: Date): Month {
  const year = moment.getUTCFullYear();
  const month = moment.getUTCMonth();
  return {
    id: moment.toISOString().slice(0, 7),
    resetsAt: new Date(Date.UTC(year, month + 1, 1)),
  };
}
