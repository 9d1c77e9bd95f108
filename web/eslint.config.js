import js from '@eslint/js';

/** What Node itself offers without an import, as far as web/dev uses it. */
const node = { process: 'readonly', console: 'readonly', Buffer: 'readonly', URL: 'readonly' };
const nodeTests = { ...node, fetch: 'readonly' };

export default [
  { ignores: ['dist/'] },
  js.configs.recommended,
  {
    files: ['dev/**/*.mjs'],
    languageOptions: { ecmaVersion: 2023, sourceType: 'module', globals: node },
    rules: {
      complexity: ['error', 10],
      curly: 'error',
      eqeqeq: 'error',
      'max-depth': ['error', 3],
      'max-lines': ['error', 300],
      'max-lines-per-function': ['error', 60],
      'no-var': 'error',
      'prefer-const': 'error',
    },
  },
  { files: ['dev/**/test/*.mjs'], languageOptions: { globals: nodeTests } },
];
