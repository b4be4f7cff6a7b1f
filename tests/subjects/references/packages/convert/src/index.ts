import { METRES, type Unit } from "@references/units";

export function convert(value: number, from: Unit, to: Unit): number {
  return (value * METRES[from]) / METRES[to];
}
