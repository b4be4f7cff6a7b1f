import { expect, test } from "vitest";
import { Client } from "./index";

test("addresses one receipt", () => {
  expect(new Client("https://shop.example").receipt("7").href).toBe(
    "https://shop.example/receipts/7",
  );
});
