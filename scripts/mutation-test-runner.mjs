// A Jest runner for mutation testing that runs as little as one mutant needs. Stryker selects the tests that cover a
// mutant, but Jest would load every file to find them, and one failing test is enough.
import Runner from 'jest-runner';

// Each takes a second or more for every mutant that it covers. Mutants that only these detect count as undetected.
const slow = [
  'every day of 1900 to 2400 is a day',
  'is the same name, whatever the certificate says',
  'a hundred thousand entries are walked',
  'whatever was written in a Unicode type is read back',
  'of 100,000 serial numbers',
  'one that names more issuers than any real one',
  'a large one is read like a small one',
];

/** By path: the full names of the tests in a file, and its duration, as recorded when it ran. */
const known = new Map();
/** The file that detected the previous mutant, which often detects the next one too. */
let lastToFail;

export default class MutationTestRunner extends Runner {
  constructor(globalConfig, context) {
    const testNamePattern = `^(?![^]*(?:${slow.join('|')}))[^]*(?:${globalConfig.testNamePattern ?? ''})`;
    super({ ...globalConfig, testNamePattern }, context);
  }

  async runTests(tests, watcher, options) {
    const wanted = new RegExp(this._globalConfig.testNamePattern, 'i');
    const reaching = tests.filter(
      ({ path }) => known.get(path)?.names.some((name) => wanted.test(name)) ?? true,
    );
    const quickFirst = reaching.toSorted((left, right) => timeOf(left) - timeOf(right));
    let failed = false;
    this.on('test-file-failure', () => (failed = true));
    this.on('test-file-success', ([{ path }, result]) => {
      const names = result.testResults.map(({ fullName }) => fullName);
      if (names.length > 0 && !known.has(path)) known.set(path, { names, time: result.perfStats.runtime });
      if (result.numFailingTests > 0) {
        failed = true;
        lastToFail = path;
      }
    });
    for (const test of quickFirst) {
      if (failed) return;
      await super.runTests([test], watcher, options);
    }
  }
}

function timeOf({ path }) {
  return path === lastToFail ? -1 : (known.get(path)?.time ?? 0);
}
