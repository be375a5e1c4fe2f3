/**
 * Loaded before a program: ends its process by SIGKILL before the n-th call of node:fs/promises that changes
 * something, where n is the variable KILL_AT. Between two of them nothing is on disk that could differ.
 *
 * @module
 */
import { promises } from 'node:fs';

type AsyncFunction = (...args: unknown[]) => Promise<unknown>;

const changing = [
  ...['appendFile', 'chmod', 'chown', 'copyFile', 'cp', 'link', 'mkdir', 'mkdtemp', 'open', 'rename', 'rm'],
  ...['rmdir', 'symlink', 'truncate', 'unlink', 'utimes', 'writeFile'],
];
const changingHandle = ['appendFile', 'chmod', 'chown', 'close', 'truncate', 'utimes', 'write', 'writeFile'];

let left = Number(process.env['KILL_AT']);

function count(): void {
  if (--left === 0) process.kill(process.pid, 'SIGKILL');
}

function wrap(target: object, names: readonly string[]): void {
  for (const name of names) {
    const call = Reflect.get(target, name) as AsyncFunction;
    Reflect.set(target, name, async function (this: unknown, ...args: unknown[]) {
      // A file that is opened to be read changes nothing.
      if (name !== 'open' || typeof args[1] === 'string') count();
      return Reflect.apply(call, this, args);
    });
  }
}

const { open } = promises;
let isWrapped = false;
promises.open = async (...args) => {
  const handle = await open(...args);
  if (!isWrapped) wrap(Object.getPrototypeOf(handle) as object, changingHandle);
  isWrapped = true;
  return handle;
};
wrap(promises, changing);
