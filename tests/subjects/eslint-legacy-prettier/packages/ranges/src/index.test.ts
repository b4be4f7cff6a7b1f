import { expect, test } from "vitest";
import { days } from "./index";

test("lists each day once", () => {
  expect(days(new Date("2024-02-28T00:00:00Z"), 3)).toEqual([
    "2024-02-28",
    "2024-02-29",
    "2024-03-01",
  ]);
});
