/**
 * Runs the integration tests with Jest's detection of open handles, and fails if a handle is left open; Jest itself
 * only reports it. Arguments: folders or files of tests (test/integration), and options of Jest.
 *
 * Jest checks 30 ms after the last test, when a socket may still be closing on a busy machine. A reported handle is
 * therefore a fault only if it keeps the process from ending, and so is an unreported one.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** How long handles may take to close after the last test. */
const graceMs = 3000;

const jest = fileURLToPath(new URL('../node_modules/jest/bin/jest.js', import.meta.url));
const given = process.argv.slice(2);
const folders = given.some((argument) => !argument.startsWith('-')) ? [] : ['test/integration'];
// Slow tests start processes, which Jest does not look into, or repeat what others do.
const child = spawn(
  process.execPath,
  [jest, ...folders, ...given, '--selectProjects', 'main', '--detectOpenHandles', '--silent'],
  {
    stdio: ['ignore', 'inherit', 'pipe'],
    // Tests that limit elapsed time have a higher limit.
    env: { ...process.env, TEST_HANDLES: '1' },
  },
);

let text = '';
let finished;
let isLeft = false;
child.stderr.setEncoding('utf8').on('data', (part) => {
  process.stderr.write(part);
  text += part;
  if (finished !== undefined || !/^Time: /m.test(text)) return;
  finished = performance.now();
  setTimeout(() => {
    isLeft = child.exitCode === null;
    child.kill();
  }, graceMs).unref();
});
child.on('close', (code) => {
  const named = /Jest has detected the following \d+ open handles?/.exec(text)?.[0];
  if (isLeft) {
    const of = named === undefined ? 'jest names none' : `${named}; see above what left them`;
    console.error(`open-handles: ${graceMs} ms after the last test the process had not ended: ${of}`);
  } else if (named !== undefined) {
    const ms = Math.round(performance.now() - finished);
    console.error(`open-handles: what jest names above closed by itself, ${ms} ms after the last test`);
  }
  process.exitCode = isLeft ? 1 : (code ?? 1);
});
