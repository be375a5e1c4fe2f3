import { writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import http2 from 'node:http2';
import { expect, test } from '@jest/globals';
import { protect, requireClient } from 'express-mtls';
import { ca } from '../support/chain.js';
import { temporaryDirectory, writeMaterial } from '../support/files.js';

test('on HTTP/2, a client that is revoked while its rule is being asked does not reach the handler', async () => {
  const root = ca('ca');
  const [server, client] = [root.server(), root.client('client1')];
  const files = writeMaterial(temporaryDirectory(), {
    'ca.pem': root.pem,
    'crl.pem': root.crl({ number: 1 }).pem,
  });
  let answer = (_verdict: boolean): void => undefined;
  const guard = requireClient(() => new Promise<boolean>((resolve) => (answer = resolve)));

  const credentials = { key: server.keyPem, cert: server.pem };
  const served = http2.createSecureServer({ ...credentials, requestCert: true, rejectUnauthorized: false });
  let outcome: Promise<unknown> | undefined;
  served.on('request', (req, res) => {
    outcome = new Promise((resolve) => {
      guard(req as unknown as IncomingMessage, res as unknown as ServerResponse, resolve);
    });
  });
  const mtls = await protect(served, {
    ...credentials,
    ca: files['ca.pem'],
    crl: files['crl.pem'],
    watch: false,
  });
  await new Promise<void>((resolve) => served.listen(0, '127.0.0.1', resolve));
  const { port } = served.address() as { port: number };

  const session = http2.connect(`https://localhost:${port}`, {
    ca: root.pem,
    key: client.keyPem,
    cert: client.pem,
  });
  session.on('error', () => undefined);
  session.request({ ':path': '/' }).on('error', () => undefined);
  while (outcome === undefined) await new Promise((resolve) => setTimeout(resolve, 5));

  writeFileSync(files['crl.pem'], root.crl({ revoked: [client], number: 2 }).pem);
  expect((await mtls.reload()).evicted).toBe(1);
  // By then the session is gone, and the request has no socket to find its connection on.
  await new Promise((resolve) => setTimeout(resolve, 200));
  answer(true);
  const error = await outcome;

  session.destroy();
  served.close();
  await mtls.close();
  expect(error).toMatchObject({ code: 'ERR_MTLS_CERTIFICATE_REVOKED' });
});
