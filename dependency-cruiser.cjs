/**
 * The layers of src/, whose imports point one way only.
 *
 *   0  errors.ts, options.ts, …          codes, option checks: every file directly in src/ but index.ts
 *   1  x509/                             bytes in, frozen values out
 *   2  identity/ revocation/ policy/     pure judgements
 *   3  tls/                              the shell
 *   4  express/                          the middleware
 *   5  dev-ca/ cli/ index.ts, and every other package entry
 */
const layers = [
  '^src/(?!index\\.ts$)[^/]+\\.ts$',
  '^src/x509/',
  '^src/(identity|revocation|policy)/',
  '^src/tls/',
  '^src/express/',
];

/** What package.json exports. They stand above every layer, though some live in the folder they are about. */
const entries = '^src/(index|(revocation|dev-ca|status|metrics)/index)\\.ts$';
const pure = '^src/(x509|identity|revocation|policy)/';

const oneWay = layers.map((layer, number) => ({
  name: `layer-${number}-imports-no-higher-one`,
  severity: 'error',
  from: { path: layer, pathNot: [entries, '^src/options\\.ts$'] },
  to: { path: '^src/', pathNot: layers.slice(0, number + 1) },
}));

module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-unresolvable',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true, pathNot: '(worker|manifest)-file\\.cjs$' },
    },
    ...oneWay,
    {
      name: 'options-run-on-layer-0-alone',
      comment: 'options.ts checks values and names types: it may `import type` from the pure layers.',
      severity: 'error',
      from: { path: '^src/options\\.ts$' },
      to: { path: '^src/', pathNot: layers[0], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'options-name-pure-types-only',
      severity: 'error',
      from: { path: '^src/options\\.ts$' },
      to: { path: '^src/', pathNot: [layers[0], pure] },
    },
    {
      name: 'entries-are-for-users',
      comment: 'Inside src/, import the file that declares the thing, not a package entry.',
      severity: 'error',
      from: { path: '^src/', pathNot: [entries, '^src/cli/'] },
      to: { path: entries },
    },
    {
      name: 'pure-layers-do-no-io',
      comment: 'A type costs nothing: a rule may be a function of an IncomingMessage.',
      severity: 'error',
      from: { path: pure, pathNot: entries },
      to: {
        path: '^(node:)?(fs|net|tls|https?|http2|dgram|dns|child_process|worker_threads)(/|$)|node_modules/(@types/)?express',
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'dev-ca-stands-apart',
      comment: 'The development CA makes certificates; it must not need the code that judges them.',
      severity: 'error',
      from: { path: '^src/dev-ca/' },
      to: { path: '^src/', pathNot: ['^src/errors\\.ts$', '^src/x509/', '^src/dev-ca/'] },
    },
    {
      name: 'main-entry-stays-small',
      comment: 'The main entry loads neither what makes certificates nor what an operator mounts.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(dev-ca|cli|status|metrics)/' },
      to: { path: '^src/(dev-ca|cli|status|metrics)/' },
    },
    {
      name: 'no-dev-dependency-in-src',
      severity: 'error',
      from: { path: '^src/' },
      to: {
        dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'],
        dependencyTypesNot: ['type-only', 'npm', 'npm-peer'],
      },
    },
  ],
  options: {
    // Type imports count: a layer that names a higher layer's types depends on it.
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
      extensions: ['.ts', '.js', '.d.ts'],
    },
  },
};
