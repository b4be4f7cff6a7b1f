import { expect, test } from "vitest";
import { path } from "./index";

test("fills in the parameters", () => {
  expect(path("oneReceipt", { id: "a b" })).toBe("/receipts/a%20b");
});

test("refuses a missing parameter", () => {
  expect(() => path("oneReceipt")).toThrow("oneReceipt needs id");
});
