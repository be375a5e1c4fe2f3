/**
 * The layers of src/, whose imports point down only.
 *
 *   0  errors.ts, error-printing.ts,             codes; how Node prints an error with several faults;
 *      option-checks.ts, logger.ts,              what every option check shares; where what happens is reported;
 *      quantity.ts, shortened-list.ts,           quantities, abbreviated lists,
 *      time-span.ts, timers.ts                   and spans of time in words; real timers
 *      within.ts                                work with a limit of time
 *   1  x509/ forwarded/                         bytes in, frozen values out; header values in, certificates out
 *   2  identity/ revocation/ policy/            what a certificate says; what CRLs and rules say of it
 *   3  judgement/                               whether a client is admitted, and why
 *   4  material/                                from sources to checked material
 *   5  gate/                                    sockets and requests
 *   6  server/ express/                         options, the handle, the reloader; the middleware
 *   7  the entries, sources/, dev-ca/ and cli/  loaded by nothing else
 */
const layers = [
  '^src/(errors|error-printing|option-checks|logger|quantity|shortened-list|time-span|timers|within)\\.ts$',
  '^src/(x509|forwarded)/',
  '^src/(identity|revocation|policy)/',
  '^src/judgement/',
  '^src/material/',
  '^src/gate/',
  '^src/(server|express)/',
];

/** What package.json exports. */
const entries = '^src/(index|revocation-engine|(dev-ca|status|metrics|sources|testing|oauth)/index)\\.ts$';
const pure = '^src/(x509|forwarded|identity|revocation|policy|judgement)/';

const oneWay = layers.map((layer, number) => ({
  name: `layer-${number}-imports-no-higher-one`,
  severity: 'error',
  from: { path: layer },
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
      from: { path: pure },
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
      to: {
        path: '^src/',
        pathNot: ['^src/errors\\.ts$', '^src/time-span\\.ts$', '^src/x509/', '^src/dev-ca/'],
      },
    },
    {
      name: 'main-entry-stays-small',
      comment:
        'The main entry loads neither what makes certificates, nor what an operator mounts, nor what fetches.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(dev-ca|cli|status|metrics|sources|testing|oauth)/' },
      to: { path: '^src/(dev-ca|cli|status|metrics|sources|testing|oauth)/' },
    },
    {
      name: 'schemas-are-loaded-when-needed',
      comment:
        'They take longer to load than the main entry: two files import them, and are themselves imported late.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(x509/certificate-request|dev-ca/pkcs12-encoding)\\.ts$' },
      to: { path: 'node_modules/@peculiar/asn1-' },
    },
    {
      name: 'readers-of-schemas-are-imported-late',
      severity: 'error',
      from: { path: '^src/' },
      to: {
        path: '^src/(x509/certificate-request|dev-ca/pkcs12-encoding)\\.ts$',
        dependencyTypesNot: ['type-only', 'dynamic-import'],
      },
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
