/** What every project has. */
export const base = {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  testPathIgnorePatterns: ['<rootDir>/test/package/projects/', '<rootDir>/test/stack/projects/'],
  setupFilesAfterEnv: ['<rootDir>/test/support/setup.ts'],
  transform: {
    '^.+\\.c?ts$': [
      '@swc/jest',
      {
        jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
        module: { type: 'commonjs' },
        sourceMaps: 'inline',
      },
    ],
  },
  moduleNameMapper: {
    '^express-mtls$': '<rootDir>/src/index.ts',
    '^express-mtls/revocation$': '<rootDir>/src/revocation-engine.ts',
    '^express-mtls/(.*)$': '<rootDir>/src/$1/index.ts',
    '^(\\.{1,2}/.*)\\.c?js$': '$1',
  },
  // The last mapping takes `.cjs` off the imports of packages too: it must not be found again as `.mjs`.
  moduleFileExtensions: ['ts', 'cts', 'js', 'cjs', 'mjs', 'json', 'node'],
};

// By the names of files, so that a test is in one project, and a new one in the right one.
const slow = [
  '**/*.slow.test.ts',
  ...['package', 'stack'].map((folder) => `<rootDir>/test/${folder}/**/*.test.ts`),
];
const quick = ['<rootDir>/test/unit/**/*.test.ts', '<rootDir>/test/property/**/*.test.ts'];
const main = ['integration', 'examples', 'conformance', 'repository'].map(
  (folder) => `<rootDir>/test/${folder}/**/*.test.ts`,
);
const notSlow = '!**/*.slow.test.ts';

/**
 * `npm run test:quick` runs the project `quick`, `npm test` that and `main`, `npm run test:slow` the slow ones, and
 * `npm run test:all` everything but the tests in a browser (`npm run test:browser`).
 * @type {import('jest').Config}
 */
export default {
  // Jest leaves one core free, of two as of sixteen.
  maxWorkers: '100%',
  projects: [
    { ...base, displayName: 'quick', testMatch: [...quick, notSlow] },
    { ...base, displayName: 'main', testMatch: [...main, notSlow] },
    { ...base, displayName: 'slow', testMatch: slow },
    { ...base, displayName: 'browser', testMatch: ['<rootDir>/test/browser/**/*.test.ts'] },
  ],
  collectCoverageFrom: ['src/**/*.ts'],
  coverageProvider: 'v8',
};
