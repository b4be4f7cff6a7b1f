module.exports = {
  root: true,
  extends: "eslint:recommended",
  parserOptions: { ecmaVersion: 2023 },
  env: { es2023: true, node: true },
  rules: {
    eqeqeq: "error",
    "prefer-const": "warn",
  },
  overrides: [
    {
      files: ["*.ts"],
      parser: "@typescript-eslint/parser",
      parserOptions: { sourceType: "module" },
      rules: {
        "no-undef": "off",
        "no-unused-vars": "off",
      },
    },
    {
      files: ["packages/dates/**"],
      rules: {
        "no-restricted-imports": ["error", "@eslint-legacy-prettier/ranges"],
      },
    },
  ],
};
