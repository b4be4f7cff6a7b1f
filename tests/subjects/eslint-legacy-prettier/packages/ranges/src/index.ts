import { addDays, iso } from "@eslint-legacy-prettier/dates";

export function days(first: Date, count: number): string[] {
  return Array.from({ length: count }, (_, index) => iso(addDays(first, index)));
}
