import { type Line, total } from "@turbo-biome/core";

export function summary(lines: readonly Line[]): string {
  return `${lines.length} lines, ${(total(lines) / 100).toFixed(2)}`;
}

export function print(lines: readonly Line[]): void {
  console.log(summary(lines));
}
