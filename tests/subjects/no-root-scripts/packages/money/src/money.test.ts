import { describe, expect, it } from "vitest";
import { format } from "./money";

describe("format", () => {
  it("keeps two decimals", () => {
    expect(format(1250)).toBe("12.50");
  });

  it("puts the sign first", () => {
    expect(format(-5)).toBe("-0.05");
  });
});
