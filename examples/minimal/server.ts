/**
 * `npm start`: the tutorial's server, on the certificates that `npm run certs` makes.
 *
 * @module
 */
import { existsSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer, developmentLogger } from 'express-mtls';
import { createApp } from './app.js';

const port = Number(process.env['PORT'] ?? 4433);
const certs = process.env['CERTS'] ?? 'certs-dev';

if (existsSync(`${certs}/server-crt.pem`)) await serve();
else {
  console.error(`${certs} holds no certificates yet. Make them with: npm run certs`);
  process.exitCode = 1;
}

async function serve(): Promise<void> {
  const logger = developmentLogger();
  const server = await createServer(
    {
      key: `${certs}/server-key.pem`,
      cert: `${certs}/server-crt.pem`,
      ca: `${certs}/ca-crt.pem`,
      crl: `${certs}/ca-crl.pem`,
      logger,
    },
    createApp(logger),
  );
  server.on('error', ({ message }) => {
    console.error(message);
    process.exitCode = 1;
  });
  server.listen(port, () => {
    console.log(invitation((server.address() as AddressInfo).port));
  });
}

function invitation(actualPort: number): string {
  const curlAs = (name: string): string =>
    `curl --cacert ${certs}/ca-crt.pem --cert ${certs}/${name}-crt.pem --key ${certs}/${name}-key.pem`;
  const origin = `https://localhost:${actualPort}`;
  return `Serving ${origin}. Try, in another terminal:

  ${curlAs('client1')} ${origin}/
  ${curlAs('client2')} ${origin}/
  ${curlAs('client2')} ${origin}/admin
  curl --cacert ${certs}/ca-crt.pem ${origin}/

The third is forbidden (403), and the last finds no way in: it shows no certificate.
`;
}
