/**
 * What may stand where a file is expected: FIFOs, devices, sockets.
 *
 * @module
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { closeSync, constants, existsSync, openSync, symlinkSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { afterEach } from '@jest/globals';

const fifos: string[] = [];
const servers: Server[] = [];
const writers: ChildProcess[] = [];

afterEach(() => {
  for (const writer of writers.splice(0)) writer.kill('SIGKILL');
  for (const server of servers.splice(0)) server.close();
  // A reader that waits, where the rule is broken, would keep the test's process for ever.
  for (const fifo of fifos.splice(0)) {
    if (existsSync(fifo)) closeSync(openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK));
  }
});

function makeFifo(file: string): void {
  execFileSync('mkfifo', [file]);
  fifos.push(file);
}

/** By what it is: how it is made at a path, and what a message calls it. */
export const specialFiles: readonly [what: string, make: (file: string) => void, called: RegExp][] = [
  ['a FIFO without a writer', makeFifo, / is a FIFO \(a named pipe\); expected a regular file/],
  [
    'a FIFO with a writer',
    (file) => {
      makeFifo(file);
      writers.push(spawn('sh', ['-c', 'echo text > "$0"; exec sleep 60', file], { stdio: 'ignore' }));
    },
    / is a FIFO \(a named pipe\); expected a regular file/,
  ],
  ...['/dev/null', '/dev/zero', '/dev/tty'].map(
    (device) =>
      [
        device,
        (file: string): void => {
          symlinkSync(device, file);
        },
        / is a character device; expected a regular file/,
      ] as const satisfies [string, (file: string) => void, RegExp],
  ),
  [
    'a socket',
    (file) => {
      servers.push(createServer().listen(file));
    },
    / is a socket; expected a regular file/,
  ],
];
