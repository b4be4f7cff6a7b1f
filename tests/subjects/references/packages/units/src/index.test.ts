import { expect, test } from "vitest";
import { isUnit } from "./index";

test("knows its own units only", () => {
  expect(isUnit("km")).toBe(true);
  expect(isUnit("toString")).toBe(false);
});
