import { expect, test } from "vitest";
import { summary } from "./index";

test("counts the lines and shows the total", () => {
  expect(summary([{ label: "tea", cents: 250 }])).toBe("1 lines, 2.50");
});
