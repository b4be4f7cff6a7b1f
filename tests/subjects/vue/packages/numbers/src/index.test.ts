import { expect, test } from "vitest";
import { clamp } from "./index";

test("stays within both ends", () => {
  expect([-1, 1, 9].map((value) => clamp(value, 0, 3))).toEqual([0, 1, 3]);
});
