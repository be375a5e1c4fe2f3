/** @type {import('jest').Config} */
export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  testPathIgnorePatterns: ['<rootDir>/test/package/projects/', '<rootDir>/test/browser/'],
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
  collectCoverageFrom: ['src/**/*.ts'],
  coverageProvider: 'v8',
  // On a busy machine, with several tests at once, all takes longer.
  testTimeout: 60_000,
};
