/**
 * What takes a proxy seconds: the rest of proxies.test.ts.
 *
 * @module
 */
import { once } from 'node:events';
import { connect } from 'node:tls';
import { expect, test } from '@jest/globals';
import { ca } from '../support/chain.js';
import { escaped } from '../support/proxied.js';
import { startServer } from '../support/server.js';

const root = ca('ca');
const proxyRoot = ca('proxies');

test('a refused request whose body comes slowly ends the connection of the proxy', async () => {
  const { port } = await startServer({
    root,
    options: { proxies: { from: { ca: proxyRoot.pem, rule: { commonName: 'nginx' } }, header: 'nginx' } },
  });
  const { keyPem, chainPem } = proxyRoot.client('nginx');
  const own = { key: keyPem, cert: chainPem };
  const socket = connect({ host: '127.0.0.1', port, servername: 'localhost', ca: root.pem, ...own });
  socket.on('error', () => {});
  const closed = once(socket, 'close');
  const head = [
    ...['POST / HTTP/1.1', 'Host: localhost', 'Content-Length: 1000'],
    `X-SSL-Client-Cert: ${escaped(ca('else').client('client1'))}`,
  ];
  socket.write(`${head.join('\r\n')}\r\n\r\n`);
  const [answer] = (await once(socket, 'data')) as [Buffer];
  expect(answer.toString()).toMatch(/^HTTP\/1\.1 401 /);
  // As long as something comes, node:http waits for five minutes.
  const drip = setInterval(() => socket.write('x'), 200);
  try {
    await closed;
  } finally {
    clearInterval(drip);
    socket.destroy();
  }
}, 20_000);
