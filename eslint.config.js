import js from '@eslint/js';
import { createNodeResolver, flatConfigs } from 'eslint-plugin-import-x';
import jsdoc from 'eslint-plugin-jsdoc';
import { defineConfig, globalIgnores } from 'eslint/config';
import ts from 'typescript-eslint';

const typescript = ['**/*.ts'];
const nodeGlobals = Object.fromEntries(
  ['Buffer', 'URL', 'clearTimeout', 'console', 'fetch', 'performance', 'process', 'setTimeout'].map(
    (name) => [name, 'readonly'],
  ),
);

/** The imports that one folder alone may make. Each folder below lifts only its own line. */
const confined = {
  certificates: {
    regex: '^(@peculiar/x509|reflect-metadata)(/|$)',
    message: 'Only src/dev-ca may make certificates; everything else reads them with src/x509.',
  },
  express: {
    regex: '^express(-serve-static-core)?$',
    message: 'Express is a peer: only src/express may name it, and only with `import type`.',
  },
  expressTypes: {
    regex: '^express(-serve-static-core)?$',
    allowTypeImports: true,
    message: 'Express is a peer: use `import type`, so that nothing is loaded.',
  },
  pino: {
    regex: '^pino(-.*)?$',
    message: 'Loggers are structural. Only src/express/request-log.ts loads pino, with `await import()`.',
  },
  promClient: {
    regex: '^prom-client(/|$)',
    message: 'prom-client is an optional peer: only src/metrics may load it.',
  },
};
const restrictImports = (...patterns) => ['error', { patterns }];

const noExportAll = {
  selector: 'ExportAllDeclaration',
  message: 'Name each export: the public surface is a decision, not a wildcard.',
};
const noDynamicImport = (source) => ({
  selector: `ImportExpression[source.value=${source}]`,
  message: 'This package is loaded by one folder alone: see `confined` in eslint.config.js.',
});
const noDynamicExpress = noDynamicImport('/^express$/');
const noDynamicPino = noDynamicImport('/^pino/');
const noDynamicCertificates = noDynamicImport('/^(@peculiar.x509|reflect-metadata)/');

export default defineConfig([
  globalIgnores([
    'dist',
    'coverage',
    'reports',
    'docs/api',
    '.stryker-tmp',
    'test/package/projects',
    'test/stack/projects',
  ]),

  // Configuration and scripts: plain JavaScript.
  {
    files: ['**/*.js', '**/*.mjs', '**/*.cjs'],
    extends: [js.configs.recommended],
    languageOptions: { globals: nodeGlobals },
  },
  {
    files: ['**/*.cjs'],
    languageOptions: {
      sourceType: 'commonjs',
      globals: { module: 'writable', require: 'readonly', __dirname: 'readonly' },
    },
  },

  // TypeScript, everywhere.
  {
    files: typescript,
    extends: [
      js.configs.recommended,
      ts.configs.strictTypeChecked,
      ts.configs.stylisticTypeChecked,
      flatConfigs.typescript,
    ],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    settings: {
      'import-x/resolver-next': [
        createNodeResolver({ extensions: ['.ts', '.js'], extensionAlias: { '.js': ['.ts', '.js'] } }),
      ],
    },
    rules: {
      // isolatedDeclarations wants the type of a property written down.
      '@typescript-eslint/no-inferrable-types': ['error', { ignoreProperties: true }],
      'import-x/no-default-export': 'error',
      'no-restricted-syntax': ['error', noExportAll],
      // Names of certificates are written to be printed (RFC 4514); other objects are not.
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        {
          allowNumber: true,
          allowBoolean: true,
          allow: [{ from: 'file', name: ['DistinguishedName'] }],
        },
      ],
      // It asks for the `!` that no-non-null-assertion forbids. Byte loops say `as number`.
      '@typescript-eslint/non-nullable-type-assertion-style': 'off',
      // Here a pattern that names control characters means them.
      'no-control-regex': 'off',
      '@typescript-eslint/consistent-type-imports': 'error',
      // The one way to put a property on Express's Request is its global namespace.
      '@typescript-eslint/no-namespace': ['error', { allowDeclarations: true }],
      // node:http types its sockets as net.Socket; `as TLSSocket` is how a TLS server reads them.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', ignoreRestSiblings: true, reportUsedIgnorePattern: true },
      ],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
    },
  },

  // The package itself.
  {
    files: ['src/**/*.ts'],
    plugins: { jsdoc },
    rules: {
      'import-x/no-cycle': 'error',
      'no-console': 'error',
      '@typescript-eslint/no-restricted-imports': restrictImports(
        confined.certificates,
        confined.express,
        confined.pino,
        confined.promClient,
      ),
      'no-restricted-syntax': ['error', noExportAll, noDynamicExpress, noDynamicPino, noDynamicCertificates],
      'no-restricted-properties': [
        'error',
        { property: '_handle', message: 'Node’s internals change without notice; use the public API.' },
        { property: 'ssl', message: 'Node’s internals change without notice; use the public API.' },
        { object: 'AbortSignal', message: 'Its signals may never be aborted on Node 20; use within.ts.' },
      ],
      'jsdoc/require-jsdoc': [
        'error',
        {
          publicOnly: true,
          enableFixer: false,
          checkConstructors: false,
          require: {
            ArrowFunctionExpression: true,
            ClassDeclaration: true,
            ClassExpression: true,
            FunctionDeclaration: true,
            FunctionExpression: true,
            MethodDefinition: true,
          },
          contexts: [
            'TSInterfaceDeclaration',
            'TSTypeAliasDeclaration',
            'ExportNamedDeclaration > VariableDeclaration',
          ],
        },
      ],
    },
  },
  {
    files: ['src/dev-ca/**/*.ts'],
    rules: {
      '@typescript-eslint/no-restricted-imports': restrictImports(
        confined.express,
        confined.pino,
        confined.promClient,
      ),
      'no-restricted-syntax': ['error', noExportAll, noDynamicExpress, noDynamicPino],
    },
  },
  {
    files: ['src/metrics/**/*.ts'],
    rules: {
      '@typescript-eslint/no-restricted-imports': restrictImports(
        confined.certificates,
        confined.express,
        confined.pino,
      ),
    },
  },
  {
    files: ['src/express/**/*.ts'],
    rules: {
      '@typescript-eslint/no-restricted-imports': restrictImports(
        confined.certificates,
        confined.expressTypes,
        confined.pino,
        confined.promClient,
      ),
    },
  },
  {
    files: ['src/express/request-log.ts'],
    rules: {
      'no-restricted-syntax': ['error', noExportAll, noDynamicExpress, noDynamicCertificates],
    },
  },
  {
    // A command talks to its terminal.
    files: ['src/cli/**/*.ts'],
    rules: { 'no-console': 'off' },
  },

  // Layers 1 and 2 are told the time: they take `at: Date`.
  {
    files: ['src/{x509,forwarded,identity,revocation,policy}/**/*.ts'],
    ignores: ['src/revocation/{index,load-revocation}.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        noExportAll,
        noDynamicExpress,
        noDynamicPino,
        noDynamicCertificates,
        {
          selector:
            ':matches(NewExpression[callee.name="Date"][arguments.length=0], CallExpression[callee.object.name="Date"][callee.property.name="now"])',
          message: 'No clock in layers 1 and 2: take `at: Date`.',
        },
      ],
    },
  },

  // Tests, examples, benchmarks, the soak and the conformance suite provoke, poke and print; a promise left floating is still a bug there.
  {
    files: ['{test,examples,bench,soak,conformance,certs-dev}/**/*.ts'],
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/no-empty-function': 'off',
      '@typescript-eslint/no-misused-spread': 'off',
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/unbound-method': 'off',
    },
  },
]);
