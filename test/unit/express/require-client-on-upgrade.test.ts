import { Duplex } from 'node:stream';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { requireClientOnUpgrade } from '../../../src/express/require-client-on-upgrade.js';
import { client1, exchange } from '../../support/exchange.js';
import { takeWarnings } from '../../support/warnings.js';

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
});
afterEach(() => {
  jest.useRealTimers();
});

/** A socket. One that is stuck accepts no data, as if its client did not read. */
function socketThat(way: 'works' | 'is stuck'): { socket: Duplex; written: () => string } {
  const chunks: Buffer[] = [];
  const socket = new Duplex({
    read: () => {},
    write: (chunk: Buffer, _encoding, done) => {
      chunks.push(chunk);
      if (way === 'works') done();
    },
  });
  return { socket, written: () => Buffer.concat(chunks).toString() };
}

test('resolves to the identity, and does not touch the socket', async () => {
  const { req } = exchange();
  const { socket, written } = socketThat('works');
  expect(await requireClientOnUpgrade()(req, socket)).toBe(client1);
  expect([written(), socket.destroyed]).toEqual(['', false]);
  jest.advanceTimersByTime(60_000);
  expect(socket.destroyed).toBe(false);
});

test('a client that does not read its answer is closed after five seconds', async () => {
  const { req } = exchange('anonymous');
  const { socket } = socketThat('is stuck');
  expect(await requireClientOnUpgrade()(req, socket)).toBeUndefined();
  jest.advanceTimersByTime(4999);
  expect(socket.destroyed).toBe(false);
  jest.advanceTimersByTime(1);
  expect(socket.destroyed).toBe(true);
});

test('a refused client gets the reason, and is evicted after the answer', async () => {
  const { req, refuse, evictions } = exchange();
  refuse('revocation-unknown');
  const { socket, written } = socketThat('works');
  let asked = 0;
  expect(await requireClientOnUpgrade(() => (asked++, true))(req, socket)).toBeUndefined();
  await new Promise(setImmediate);
  expect(asked).toBe(0);
  expect(written()).toMatch(/^HTTP\/1\.1 503 Service Unavailable\r\n[^]*"ERR_MTLS_REVOCATION_UNKNOWN"\}\n$/);
  expect(evictions).toMatchObject([{ reason: 'revocation-unknown' }]);
  expect(socket.destroyed).toBe(true);
  expect(jest.getTimerCount()).toBe(0);
});

test('the answer names neither the client nor the rule', async () => {
  const { req } = exchange();
  const { socket, written } = socketThat('works');
  await requireClientOnUpgrade({ commonName: 'client2' })(req, socket);
  expect(written()).toMatch(/^HTTP\/1\.1 403 Forbidden\r\n/);
  expect(written()).not.toMatch(/client1|client2|1001|CN=/);
});

test('the socket ends with the answer, whatever its client does', async () => {
  const { req } = exchange('anonymous');
  const { socket, written } = socketThat('works');
  await requireClientOnUpgrade()(req, socket);
  await new Promise(setImmediate);
  expect(written()).toMatch(/^HTTP\/1\.1 401 Unauthorized\r\n/);
  expect(socket.destroyed).toBe(true);
});

test('a socket error while the rule is pending does not end the process', async () => {
  const { req } = exchange();
  const { socket, written } = socketThat('works');
  const rule = async (): Promise<boolean> => {
    socket.destroy(new Error('reset'));
    await new Promise(setImmediate);
    return false;
  };
  expect(await requireClientOnUpgrade(rule)(req, socket)).toBeUndefined();
  expect(written()).toBe('');
});

test('an internal failure destroys the socket before it is reported', async () => {
  const { req } = exchange('unjudged');
  const { socket, written } = socketThat('works');
  await expect(requireClientOnUpgrade()(req, socket)).rejects.toMatchObject({
    code: 'ERR_MTLS_SERVER_UNPROTECTED',
  });
  expect(takeWarnings()).toHaveLength(1);
  expect([written(), socket.destroyed]).toEqual(['', true]);
});

test('over HTTP/2, where a stream would be answered with 200, it is an error', async () => {
  const { req } = exchange('anonymous');
  req.httpVersionMajor = 2;
  const { socket, written } = socketThat('works');
  await expect(requireClientOnUpgrade()(req, socket)).rejects.toMatchObject({
    code: 'ERR_MTLS_OPTION_INVALID',
    message: expect.stringContaining('HTTP/2 has no upgrade'),
  });
  expect([written(), socket.destroyed]).toEqual(['', true]);
});
