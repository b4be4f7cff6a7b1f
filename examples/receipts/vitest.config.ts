import { defineConfig } from 'vitest/config';

// No test changes what another one sees, so files share a worker's modules: loading them anew for
// each file would take most of the time.
const isolate = false;

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          isolate,
          include: ['{apps,packages}/*/test/**/*.test.{ts,tsx}'],
          exclude: ['**/*.integration.test.ts', '**/node_modules/**'],
        },
      },
      {
        test: {
          name: 'integration',
          isolate,
          include: ['{apps,packages}/*/test/**/*.integration.test.ts'],
          globalSetup: './packages/db/test/global-setup.ts',
          hookTimeout: 20_000,
          testTimeout: 20_000,
        },
      },
    ],
  },
});
