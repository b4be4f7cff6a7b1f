export interface Line {
  readonly label: string;
  readonly cents: number;
}

export function total(lines: readonly Line[]): number {
  return lines.reduce((sum, line) => sum + line.cents, 0);
}
