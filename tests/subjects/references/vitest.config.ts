import { defineConfig } from "vitest/config";

export default defineConfig({
  // The build leaves compiled tests in dist.
  test: { include: ["packages/*/src/**/*.test.ts"] },
});
