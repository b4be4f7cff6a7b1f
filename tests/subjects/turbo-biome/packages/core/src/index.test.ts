import { expect, test } from "vitest";
import { total } from "./index";

test("an empty list costs nothing", () => {
  expect(total([])).toBe(0);
});

test("lines add up", () => {
  expect(
    total([
      { label: "tea", cents: 250 },
      { label: "cake", cents: 430 },
    ]),
  ).toBe(680);
});
