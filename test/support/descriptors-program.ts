/**
 * A server that uses up all its file descriptors when it is told to.
 *
 * @module
 */
import { openSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer, type MtlsOptions } from 'express-mtls';

const say = (event: string, details: object = {}): void => {
  process.stdout.write(`${JSON.stringify({ event, ...details })}\n`);
};
const options = JSON.parse(process.argv[2] ?? '{}') as MtlsOptions;
const server = await createServer(options, (_req, res) => {
  res.end('hello');
});
server.mtls.on('reloaded', ({ added, evicted }) => {
  say('reloaded', { added, evicted });
});
server.mtls.on('reload-failed', ({ error }) => {
  say('reload-failed', { code: error.code, message: error.message });
});
server.listen(0, '127.0.0.1', () => {
  say('listening', { port: (server.address() as AddressInfo).port });
});
process.once('SIGUSR2', () => {
  let count = 0;
  try {
    for (;;) {
      openSync('/dev/null', 'r');
      count++;
    }
  } catch (error) {
    say('exhausted', { count, code: (error as NodeJS.ErrnoException).code });
  }
});
