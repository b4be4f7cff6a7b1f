import { randomBytes } from 'node:crypto';
import { defineConfig, devices } from '@playwright/test';

// A deployment to be tested; without one the product is served here.
const deployed = process.env.BASE_URL;
const port = Number(process.env.PORT ?? 4310);
const baseURL = deployed ?? `http://127.0.0.1:${port}`;
const ci = process.env.CI !== undefined;
if (deployed === undefined) {
  // For the server here and for the tests, whose processes have this environment too.
  process.env.SYNTHETIC_KEY ??= 'of-a-server-that-lasts-as-long-as-its-tests';
}

export default defineConfig({
  testDir: 'e2e',
  fullyParallel: true,
  forbidOnly: ci,
  expect: { timeout: 10_000 },
  reporter: ci ? [['list'], ['html', { open: 'never' }]] : 'list',
  use: {
    baseURL,
    trace: 'retain-on-failure',
    screenshot: 'only-on-failure',
  },
  projects: [{ name: 'chromium', use: devices['Desktop Chrome'] }],
  // The product as it is deployed: the API, serving the web app that "pnpm build" made.
  ...(deployed === undefined && {
    webServer: {
      command: 'pnpm db:migrate && pnpm start',
      cwd: '../..',
      url: `${baseURL}/health`,
      reuseExistingServer: !ci,
      env: {
        PORT: String(port),
        WEB_ROOT: `${import.meta.dirname}/dist`,
        AUTH_SECRET: process.env.AUTH_SECRET ?? randomBytes(32).toString('hex'),
      },
    },
  }),
});
