import base from './jest.config.mjs';

// The tests that need a browser, apart from the others: `npm run test:browser`.

/** @type {import('jest').Config} */
export default {
  ...base,
  roots: ['<rootDir>/test/browser'],
  testPathIgnorePatterns: [],
};
