/**
 * Runs the integration tests with jest's detection of open handles, and fails where one is left: jest itself only
 * tells of them.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const jest = fileURLToPath(new URL('../node_modules/jest/bin/jest.js', import.meta.url));
const folders = process.argv.length > 2 ? process.argv.slice(2) : ['test/integration'];
const child = spawn(process.execPath, [jest, ...folders, '--detectOpenHandles', '--silent'], {
  stdio: ['ignore', 'inherit', 'pipe'],
});

let text = '';
let found;
child.stderr.setEncoding('utf8').on('data', (part) => {
  process.stderr.write(part);
  text += part;
  if (found !== undefined) return;
  found = /Jest has detected the following \d+ open handles?/.exec(text)?.[0];
  // It waits for them, and they may never end.
  if (found !== undefined) setTimeout(() => child.kill(), 1000);
});
child.on('close', (code) => {
  if (found !== undefined) console.error(`open-handles: ${found}; see above what left them`);
  process.exitCode = found === undefined ? (code ?? 1) : 1;
});
