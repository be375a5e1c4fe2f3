/**
 * Unix sockets that another process has opened: a service manager, which passes a descriptor on, and the primary
 * process of a cluster.
 *
 * @module
 */
import { once } from 'node:events';
import { chmodSync, renameSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect } from '@jest/globals';
import { ca } from '../support/chain.js';
import { temporaryDirectory } from '../support/files.js';
import { Program } from '../support/program.js';
import { escaped, TestProxy } from '../support/proxied.js';
import { testOn } from '../support/requirements.js';
import { material } from '../support/server.js';
import type { SocketProgramOptions } from '../support/socket-program.js';

const root = ca('ca');
const header = ['X-SSL-Client-Cert', escaped(root.client('client1'))];
const test = testOn(process.platform === 'linux', 'only Linux says what path a descriptor has');

const closers: (() => unknown)[] = [];

afterEach(() => {
  for (const close of closers.splice(0)) close();
});

function start(
  options: Pick<SocketProgramOptions, 'listen'> & Partial<SocketProgramOptions>,
  opened?: Server,
): Program {
  const { files } = material({ root });
  const given: SocketProgramOptions = { ca: files.ca, crl: files.crl, umask: 0o022, ...options };
  const args = [JSON.stringify(given)];
  if (opened === undefined) return new Program('test/support/socket-program.ts', { args });
  const { _handle: handle } = opened as unknown as { readonly _handle: { readonly fd: number } };
  const program = new Program('test/support/socket-program.ts', { args, passes: handle.fd });
  closeHere(opened);
  return program;
}

async function opened(where: string | number, mode?: number): Promise<Server> {
  const server = createServer();
  closers.push(() => server.close());
  await once(server.listen(where), 'listening');
  if (mode !== undefined) chmodSync(where as string, mode);
  return server;
}

/** Leaves a socket to the process that it was passed on to. To close it removes its file. */
function closeHere(server: Server): void {
  const address = server.address();
  const isFile = typeof address === 'string' && address.startsWith('/');
  if (isFile) renameSync(address, `${address}.kept`);
  server.close();
  if (isFile) renameSync(`${address}.kept`, address);
}

describe('a descriptor', () => {
  test('of a Unix socket with the mode is listened on', async () => {
    const path = join(temporaryDirectory(), 'http.sock');
    const program = start({ listen: { fd: 3 } }, await opened(path, 0o660));
    await program.wrote(/^listening/m);
    expect(await new TestProxy({ socketPath: path }).get('/', header)).toMatchObject({
      status: 200,
      body: 'client1',
    });
  });

  test.each<[string, () => Promise<Server>, RegExp]>([
    [
      'of a Unix socket with a wider mode',
      async () => await opened(join(temporaryDirectory(), 'http.sock'), 0o666),
      /^error: .*the socket has the mode 0o666/m,
    ],
    ['of a TCP port', async () => await opened(0), /^error: .*listen on a TCP port/m],
    [
      'of an abstract socket',
      async () => await opened(`\0express-mtls-${process.pid}`),
      /^error: .*listen on an abstract socket/m,
    ],
  ])('%s is refused', async (_, open, message) => {
    const program = start({ listen: { fd: 3 } }, await open());
    await program.wrote(/^(?:listening|error)/m);
    expect(program.output).toMatch(message);
    expect(program.output).not.toMatch(/^listening/m);
  });

  test('is refused where it is said to be a path too', async () => {
    const path = join(temporaryDirectory(), 'http.sock');
    const program = start({ listen: { fd: 3, path } }, await opened(0));
    await program.wrote(/^error: .*listen on a TCP port/m);
    expect(program.output).not.toMatch(/^listening/m);
  });

  test('of the primary process of a cluster is refused, for a worker cannot check it', async () => {
    const path = join(temporaryDirectory(), 'http.sock');
    const program = start({ listen: { fd: 3 }, workers: 1 }, await opened(path, 0o660));
    await program.wrote(/^error: .*a descriptor of the primary process/m);
  });
});

describe('in a cluster', () => {
  test('the workers share a socket whose mode is that of the primary process', async () => {
    const path = join(temporaryDirectory(), 'http.sock');
    const program = start({ listen: { path }, workers: 2, umask: 0o117 });
    await program.wrote(/^listening\n(?:.*\n)*listening/m);
    expect((statSync(path).mode & 0o777).toString(8)).toBe('660');
    for (let count = 0; count < 4; count++) {
      const { status, body } = await new TestProxy({ socketPath: path }).get('/', header);
      expect({ status, body }).toEqual({ status: 200, body: 'client1' });
    }
  });

  test('a socket with a wider mode is refused, and the message says what to do', async () => {
    const path = join(temporaryDirectory(), 'http.sock');
    const program = start({ listen: { path }, workers: 1, umask: 0o022 });
    await program.wrote(/^error: .*the socket has the mode 0o755.*umask of the process/m);
    expect(program.output).not.toMatch(/^listening/m);
  });

  test('a socket that no process answers on is replaced', async () => {
    const path = join(temporaryDirectory(), 'stale.sock');
    const first = start({ listen: { path }, umask: 0o117 });
    await first.wrote(/^listening/m);
    first.signal('SIGKILL');
    await first.ended();
    const program = start({ listen: { path }, workers: 1, umask: 0o117 });
    await program.wrote(/^listening/m);
    expect((await new TestProxy({ socketPath: path }).get('/', header)).status).toBe(200);
  });
});
