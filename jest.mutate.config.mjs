import { base } from './jest.config.mjs';

// Jest loads every test file for every mutant, so a folder of src is tested by its own folder of unit tests alone.
const folder = process.env.MUTATE_FOLDER ?? '{x509,identity,revocation,policy}';

/** @type {import('jest').Config} */
export default {
  ...base,
  roots: ['<rootDir>/test/unit'],
  testMatch: [`<rootDir>/test/unit/${folder}/**/*.test.ts`],
  runner: '<rootDir>/scripts/mutation-test-runner.mjs',
};
