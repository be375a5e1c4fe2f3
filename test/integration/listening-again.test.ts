import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { expect, test } from '@jest/globals';
import type { SourceLoader } from 'express-mtls';
import { ca } from '../support/chain.js';
import { Client } from '../support/client.js';
import { pause, publish, startServer, type TestServer, until } from '../support/server.js';

const root = ca('ca');
const [client1, client2] = [root.client('client1'), root.client('client2')];

async function closed({ server }: TestServer): Promise<void> {
  server.close();
  server.closeAllConnections();
  await once(server, 'close');
}

async function listenAgain({ server }: TestServer): Promise<number> {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return (server.address() as AddressInfo).port;
}

test('a server that is closed and listens again judges by the CRL that was published meanwhile, and continues to watch', async () => {
  const server = await startServer({ root, options: { watch: { pollMs: 50 } } });
  expect(await server.as(client1).get()).toMatchObject({ status: 200 });
  await closed(server);
  publish(server.files.crl, root.crl({ number: 2, revoked: [client1] }).pem);
  // Nothing is polled while no client can connect.
  await pause(300);
  expect(server.recorder.events('reloaded')).toEqual([]);
  const port = await listenAgain(server);
  await until(() => server.recorder.events('reloaded').length === 1, 'the CRL is in force');
  const target = { port, ca: root.pem };
  expect(await new Client(target, client1).get()).toMatchObject({ status: 'refused' });
  expect(await new Client(target, client2).get()).toMatchObject({ status: 200 });
  publish(server.files.crl, root.crl({ number: 3, revoked: [client1, client2] }).pem);
  await until(() => server.recorder.events('reloaded').length === 2, 'the next CRL is in force');
  expect(await new Client(target, client2).get()).toMatchObject({ status: 'refused' });
  expect(server.recorder.linesOf('not-watching')).toEqual([]);
});

test('its loaders are asked and heard again', async () => {
  let crl = root.crl().der;
  let subscriptions = 0;
  let notify = (): void => {};
  const loader: SourceLoader = {
    load: () => Promise.resolve([crl]),
    watch: (given) => {
      subscriptions++;
      notify = given;
      return { [Symbol.dispose]: () => subscriptions-- };
    },
  };
  const server = await startServer({ root, options: { crl: loader } });
  expect(subscriptions).toBe(1);
  await closed(server);
  expect(subscriptions).toBe(0);
  crl = root.crl({ number: 2, revoked: [client1] }).der;
  await listenAgain(server);
  await until(() => server.recorder.events('reloaded').length === 1, 'the CRL is in force');
  expect(subscriptions).toBe(1);
  crl = root.crl({ number: 3, revoked: [client1, client2] }).der;
  notify();
  await until(() => server.recorder.events('reloaded').length === 2, 'the next CRL is in force');
});

test('a server whose handle was closed does not, and logs that', async () => {
  const server = await startServer({ root });
  await closed(server);
  await server.mtls.close();
  await listenAgain(server);
  expect(server.recorder.linesOf('not-watching')).toMatchObject([
    { level: 'error', message: expect.stringMatching(/^the server listens, but its handle was closed/) },
  ]);
});
