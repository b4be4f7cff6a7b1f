import { expect, test } from "@playwright/test";

test("counts a click", { tag: "@critical" }, async ({ page }) => {
  await page.goto("/");
  await page.getByRole("button", { name: "Count" }).click();
  await expect(page.getByRole("status")).toHaveText("1");
});

test("answers 404 for an unknown page", async ({ request }) => {
  const response = await request.get("/nowhere");
  expect(response.status()).toBe(404);
});
