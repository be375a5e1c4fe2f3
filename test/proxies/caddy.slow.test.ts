/**
 * Caddy in front of the app, by the configuration in docs/behind-caddy.md.
 *
 * @module
 */
import { byteSequence } from '../support/proxied.js';
import { configurations, replaceAll } from '../support/real-proxy.js';
import { selfSigned } from '../support/chain.js';
import { type BehindProxy, clientsCa } from './behind.js';
import { describeBehind } from './cases.js';
import { describeHttp2Backend } from './http2-backend.js';

const [page = '', socketProxy = '', optional = ''] = configurations('docs/behind-caddy.md', 'caddy');

const caddy: BehindProxy = {
  name: 'caddy',
  header: 'caddy',
  clientAddress: 'x-real-ip',
  config: ({ folder, port, app }, transport) => {
    const changed =
      transport === 'socket' ? page.replace(/^\treverse_proxy .*?^\t\}\n/ms, socketProxy) : page;
    const config = replaceAll(changed, {
      '/etc/caddy/certs': `${folder}/certs`,
      'https://api.example.com': `https://localhost:${port}`,
      // The address of its API is always the same.
      'auto_https disable_redirects': 'auto_https disable_redirects\n\tadmin off',
    });
    if (transport === 'socket') return replaceAll(config, { '/run/app/http.sock': app });
    return replaceAll(config, {
      '/etc/caddy/internal': `${folder}/internal`,
      '127.0.0.1:8443': `127.0.0.1:${app}`,
    });
  },
  linesOf: (client) => [['Client-Cert', byteSequence(client)]],
};

const verifyIfGiven = { 'mode require_and_verify': 'mode verify_if_given' };

describeBehind(caddy, {
  withoutCertificate: (config) =>
    replaceAll(config, verifyIfGiven)
      .replace(/^\t*header_up Client-Cert .*\n/m, '')
      .replace(/^\treverse_proxy /m, `${optional}$&`),
  // Of a longer one Caddy does not read the rest, and the client may lose the answer.
  longestBody: 200_000,
  mistakes: {
    'the placeholder without a certificate': {
      edit: (config) => replaceAll(config, verifyIfGiven),
      status: 400,
      reason: 'header-invalid',
    },
    'a certificate that no CA has signed': {
      edit: (config) =>
        replaceAll(config, { 'mode require_and_verify': 'mode require' }).replace(
          /^\t*trusted_ca_cert_file .*\n/m,
          '',
        ),
      as: selfSigned('client1'),
      status: 401,
      reason: 'untrusted',
    },
    'a second line': {
      edit: (config) => replaceAll(config, { 'header_up Client-Cert': 'header_up +Client-Cert' }),
      as: clientsCa.client('client2'),
      isSpoofed: true,
      status: 400,
      reason: 'header-invalid',
    },
  },
});

// It does so where the server can.
describeHttp2Backend(caddy, (config) => config);
