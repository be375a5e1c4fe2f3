/**
 * Servers start and reload while a test has replaced the timers.
 *
 * @module
 */
import { mock } from 'node:test';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { createServer, type MtlsServer } from 'express-mtls';
import { ca } from '../support/chain.js';
import { material, publish } from '../support/server.js';

afterEach(() => {
  jest.useRealTimers();
  mock.timers.reset();
});

const root = ca('ca');

describe.each<[string, () => void]>([
  ['jest', () => jest.useFakeTimers({ now: Date.now() })],
  [
    'node:test',
    () => {
      mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'setImmediate', 'Date'], now: Date.now() });
    },
  ],
])('with the fake timers of %s', (_whose, replaceTimers) => {
  test('a server starts, reloads and closes', async () => {
    const { options, files } = material({ root });
    replaceTimers();
    const server: MtlsServer = await createServer(options);
    publish(files.crl, root.crl({ number: 2, revoked: [root.client()] }).pem);
    expect(await server.mtls.reload()).toMatchObject({ changed: true, added: 1 });
    await server.mtls.close();
  });
});
