/**
 * An authorization server: clients authenticate by their certificate and get tokens that are bound to it (RFC 8705).
 * `npx tsx examples/oauth/issuer.ts`
 *
 * @module
 */
import { createServer } from 'express-mtls';
import { oidcMtls } from 'express-mtls/oauth';
import { exportJWK, generateKeyPair } from 'jose';
import Provider, { type ClientMetadata } from 'oidc-provider';
import { options } from './server-options.js';

const port = Number(process.env['PORT'] ?? 4434);
const issuer = process.env['ISSUER'] ?? `https://localhost:${port}`;
const api = 'https://api.example';

const client: ClientMetadata = {
  client_id: 'client1',
  token_endpoint_auth_method: 'tls_client_auth',
  tls_client_auth_subject_dn: 'CN=client1',
  tls_client_certificate_bound_access_tokens: true,
  grant_types: ['client_credentials'],
  response_types: [],
  redirect_uris: [],
  id_token_signed_response_alg: 'ES256',
  scope: 'read',
};

const { privateKey } = await generateKeyPair('ES256', { extractable: true });
const provider = new Provider(issuer, {
  clients: [client],
  clientAuthMethods: ['tls_client_auth'],
  jwks: { keys: [{ ...(await exportJWK(privateKey)), alg: 'ES256', use: 'sig' }] },
  scopes: ['read'],
  features: {
    clientCredentials: { enabled: true },
    mTLS: oidcMtls(),
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: () => ({
        scope: 'read',
        audience: api,
        accessTokenFormat: 'jwt',
        jwt: { sign: { alg: 'ES256' } },
      }),
    },
  },
});

const answer = provider.callback();
// The API fetches the keys without a certificate.
const server = await createServer({ ...options, clients: 'optional' }, (req, res) => void answer(req, res));
server.listen(port, () => {
  console.log(`The authorization server is on https://localhost:${port}`);
});
