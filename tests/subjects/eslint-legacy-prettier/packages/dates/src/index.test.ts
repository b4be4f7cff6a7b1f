import { expect, test } from "vitest";
import { addDays, iso } from "./index";

test("crosses the end of a month", () => {
  expect(iso(addDays(new Date("2024-01-31T00:00:00Z"), 1))).toBe("2024-02-01");
});
