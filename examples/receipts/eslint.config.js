import js from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

/**
 * Who may import whom. `!` lets a package back in that a wider pattern forbids. Another package is
 * always named: a relative path into its sources is refused everywhere.
 */
const restrict = (files, forbidden, message) => ({
  files,
  rules: {
    'no-restricted-imports': [
      'error',
      {
        patterns: [
          { group: forbidden, message },
          {
            regex: '^(\\.\\./)+([\\w-]+/)+(src|test)/',
            message: 'Import another package by its name, not by its path.',
          },
        ],
      },
    ],
  },
});

export default defineConfig(
  globalIgnores([
    '**/dist/',
    '**/.tsc/',
    '**/coverage/',
    '**/playwright-report/',
    '**/test-results/',
  ]),
  js.configs.recommended,
  {
    files: ['**/*.{ts,tsx}'],
    extends: [tseslint.configs.recommendedTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: {
      parserOptions: { project: './tsconfig.eslint.json', tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/consistent-type-definitions': ['error', 'interface'],
      // An environment variable that is set to nothing counts as not set.
      '@typescript-eslint/prefer-nullish-coalescing': [
        'error',
        { ignorePrimitives: { string: true } },
      ],
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/no-unnecessary-condition': 'error',
      '@typescript-eslint/no-unnecessary-type-arguments': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      eqeqeq: 'error',
      'no-console': 'error',
    },
  },
  restrict(
    ['packages/core/**'],
    ['@receipts/*', 'node:*'],
    'core is pure: it imports neither our other packages nor the platform.',
  ),
  restrict(
    ['packages/metering/**', 'packages/email/**'],
    ['@receipts/*', '!@receipts/core', 'pg'],
    'Only core may be imported here; storage lives in db.',
  ),
  restrict(
    ['packages/ui/**'],
    ['@receipts/*', '!@receipts/core', 'node:*', 'pg'],
    'ui runs in the browser: it may import core only.',
  ),
  restrict(
    ['packages/db/**'],
    ['@receipts/*', '!@receipts/core', '!@receipts/metering', 'hono', 'react'],
    'db knows the domain, not the apps.',
  ),
  restrict(
    ['apps/api/**'],
    ['@receipts/web', '@receipts/web/*', '@receipts/ui', '@receipts/ui/*', 'react', 'react-dom'],
    'The API renders nothing.',
  ),
  restrict(
    ['apps/web/src/**'],
    ['@receipts/*', '!@receipts/core', '!@receipts/ui', 'node:*', 'pg', 'hono'],
    'The web app reaches data over HTTP only: no db, no api.',
  ),
);
