/**
 * A client: it gets a token by its certificate, and prints it. `npx tsx examples/oauth/client.ts client1`
 *
 * @module
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import https from 'node:https';
import { text } from 'node:stream/consumers';
import {
  clientCredentialsGrant,
  customFetch,
  discovery,
  type CustomFetch,
  TlsClientAuth,
} from 'openid-client';

const issuer = process.env['ISSUER'] ?? 'https://localhost:4434';
const certs = process.env['CERTS'] ?? 'certs-dev';
const [name = 'client1'] = process.argv.slice(2);

const read = (file: string): Buffer => readFileSync(`${certs}/${file}.pem`);
const agent = new https.Agent({ ca: read('ca-crt'), cert: read(`${name}-crt`), key: read(`${name}-key`) });

// The fetch of Node cannot send a client certificate without the package undici.
const fetchWithCertificate: CustomFetch = async (url, { method, headers, body }) => {
  const request = https.request(url, { agent, method, headers });
  const sent = body === null || body === undefined ? '' : String(body as string | URLSearchParams);
  const [response] = (await once(request.end(sent), 'response')) as [IncomingMessage];
  const answered = response.headers['content-type'] ?? 'text/plain';
  const init = { status: response.statusCode ?? 500, headers: { 'content-type': answered } };
  return new Response(await text(response), init);
};

const config = await discovery(new URL(issuer), 'client1', undefined, TlsClientAuth(), {
  [customFetch]: fetchWithCertificate,
});
const { access_token: token } = await clientCredentialsGrant(config, {
  scope: 'read',
  resource: 'https://api.example',
});
console.log(token);
