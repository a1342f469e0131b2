import tseslint from 'typescript-eslint';
import { noCycle } from './scripts/eslint-no-cycle.mjs';

// Imports run one way (docs/architecture.md): cli → commands → server → engine → model → kernels → gpu → tensor.
// `text` is a leaf for server, commands and llm; `llm` is the engine in a program, beside the server and without it;
// `config` and `errors` are leaves for all.
const chain = ['commands', 'server', 'engine', 'model', 'kernels', 'gpu', 'tensor'];
const mayImport = {
  tensor: [],
  gpu: ['tensor'],
  kernels: ['gpu', 'tensor'],
  model: ['kernels', 'tensor'],
  engine: ['model', 'kernels', 'gpu', 'tensor'],
  text: [],
  server: ['engine', 'text'],
  llm: ['engine', 'model', 'text'],
  commands: ['server', 'engine', 'model', 'kernels', 'gpu', 'tensor', 'text'],
};
const folders = [...chain, 'text', 'llm'];
const oneWay = Object.entries(mayImport).map(([folder, allowed]) => ({
  files: [`src/${folder}/**/*.ts`],
  rules: {
    'no-restricted-imports': [
      'error',
      {
        patterns: folders
          .filter((f) => f !== folder && !allowed.includes(f))
          .map((f) => ({
            regex: `^(\\.\\./)+${f}/`,
            message: `src/${folder} must not import src/${f}: imports run one way.`,
          })),
      },
    ],
  },
}));

export default tseslint.config(
  { ignores: ['dist/', '.bench/', '.tap/', 'node_modules/', 'test/fixtures/', '.gpu-pack/'] },
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: { parserOptions: { project: './tsconfig.test.json', tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/require-await': 'off',
    },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      // tap's t.test() returns a promise that the runner itself awaits.
      '@typescript-eslint/no-floating-promises': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
    },
  },
  { files: ['**/*.js', '**/*.mjs'], ...tseslint.configs.disableTypeChecked },
  ...oneWay,
  {
    files: ['src/**/*.ts'],
    plugins: { house: { rules: { 'no-cycle': noCycle } } },
    rules: { 'house/no-cycle': 'error' },
  },
);
