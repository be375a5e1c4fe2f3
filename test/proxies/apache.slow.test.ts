/**
 * Apache in front of the app, by the configuration in docs/behind-apache.md.
 *
 * @module
 */
import { configurations, replaceAll } from '../support/real-proxy.js';
import { selfSigned } from '../support/chain.js';
import { type BehindProxy, clientsCa } from './behind.js';
import { describeBehind } from './cases.js';

const [page = '', socketPass = ''] = configurations('docs/behind-apache.md', 'apache');

const apache: BehindProxy = {
  name: 'apache',
  header: 'apache',
  clientAddress: 'x-forwarded-for',
  config: ({ folder, port, app }, transport) => {
    const config = replaceAll(transport === 'socket' ? onSocket() : page, {
      '/etc/apache2/certs': `${folder}/certs`,
      'Listen 443': `Listen 127.0.0.1:${port}`,
      '*:443': `*:${port}`,
    });
    if (transport === 'socket') return replaceAll(config, { '/run/app/http.sock': app });
    return replaceAll(config, {
      '/etc/apache2/internal': `${folder}/internal`,
      'localhost:8443': `localhost:${app}`,
    });
  },
  linesOf: (client) => [['X-SSL-Client-Cert', client.pem.trimEnd().replaceAll('\n', ' ')]],
};

/** The change that the page describes. */
function onSocket(): string {
  return page.replace(/^ *SSLProxy.*\n/gm, '').replace(/^ *ProxyPass .*\n/m, socketPass);
}

const expression = ` "expr=%{SSL_CLIENT_VERIFY} == 'SUCCESS'"`;
const verifies = 'SSLVerifyClient       require';

describeBehind(apache, {
  withoutCertificate: (config) => replaceAll(config, { [verifies]: 'SSLVerifyClient optional' }),
  // Apache removes what the client names there after the header was set.
  spoofed: { 'named in Connection': 401 },
  mistakes: {
    '(null) without a certificate': {
      edit: (config) => replaceAll(config, { [verifies]: 'SSLVerifyClient optional', [expression]: '' }),
      status: 400,
      reason: 'header-invalid',
    },
    'a certificate that no CA has signed': {
      edit: (config) => replaceAll(config, { [verifies]: 'SSLVerifyClient optional_no_ca' }),
      as: selfSigned('client1'),
      status: 401,
      reason: 'no-certificate',
    },
    'a second line': {
      edit: (config) =>
        replaceAll(config.replace(/^.*RequestHeader unset.*\n/gm, ''), {
          'RequestHeader set': 'RequestHeader add',
        }),
      as: clientsCa.client('client2'),
      isSpoofed: true,
      status: 400,
      reason: 'header-invalid',
    },
  },
});
