/**
 * What takes a proxy seconds: the rest of proxies.test.ts.
 *
 * @module
 */
import { once } from 'node:events';
import { expect, test } from '@jest/globals';
import { ca } from '../support/chain.js';
import { escaped, TestProxy } from '../support/proxied.js';
import { startServer } from '../support/server.js';

const root = ca('ca');
const proxyRoot = ca('proxies');

test('a refused request whose body does not come ends the connection of the proxy', async () => {
  const { port } = await startServer({
    root,
    options: { proxies: { from: { ca: proxyRoot.pem, rule: { commonName: 'nginx' } }, header: 'nginx' } },
  });
  const proxy = new TestProxy({ port, ca: root.pem, certificate: proxyRoot.client('nginx') });
  const stranger = ca('else').client('client1');
  const headers = ['X-SSL-Client-Cert', escaped(stranger), 'Content-Length', '10'];
  const { status, socket } = await proxy.get('/', headers);
  expect(status).toBe(401);
  if (socket?.destroyed === false) await once(socket, 'close');
});
