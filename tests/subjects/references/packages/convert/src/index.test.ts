import { expect, test } from "vitest";
import { convert } from "./index";

test("goes there and back", () => {
  expect(convert(2, "km", "m")).toBe(2000);
  expect(convert(2000, "m", "km")).toBe(2);
});
