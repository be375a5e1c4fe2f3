// Mutation testing: changes the source in small ways, and counts the changes that no test notices. It is run by
// scripts/mutate.mjs; of one file alone, with `MUTATE_FOLDER=x509 npx stryker run --mutate src/x509/der.ts`.
const folder = process.env.MUTATE_FOLDER ?? '{x509,identity,revocation,policy}';

export default {
  mutate: [`src/${folder}/**/*.ts`],
  testRunner: 'jest',
  plugins: ['@stryker-mutator/jest-runner'],
  jest: { configFile: 'jest.mutate.config.mjs', enableFindRelatedTests: false },
  coverageAnalysis: 'perTest',
  // Tests read certificates while they are collected, which makes nearly everything static. Ignored would be what
  // only they notice; and as a run stops at the first failure, it does not cost much.
  ignoreStatic: false,
  warnings: { slow: false },
  concurrency: 2,
  timeoutMS: 3000,
  thresholds: { high: 100, low: 90, break: 90 },
  reporters: ['clear-text', 'json', 'html', 'progress-append-only'],
  clearTextReporter: { logTests: false, reportTests: false },
  jsonReporter: { fileName: `reports/mutation/${process.env.MUTATE_FOLDER ?? 'all'}.json` },
  htmlReporter: { fileName: `reports/mutation/${process.env.MUTATE_FOLDER ?? 'all'}.html` },
  ignorePatterns: [
    '/dist',
    '/coverage',
    '/reports',
    '/docs',
    '/examples',
    '/bench',
    '/soak',
    '/certs-dev',
    '*.tgz',
  ],
};
