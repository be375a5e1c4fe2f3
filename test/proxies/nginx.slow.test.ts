/**
 * nginx in front of the app, by the configuration in docs/behind-nginx.md.
 *
 * @module
 */
import { expect } from '@jest/globals';
import { configurations, isInstalled, replaceAll } from '../support/real-proxy.js';
import { testWith } from '../support/requirements.js';
import { escaped } from '../support/proxied.js';
import { selfSigned } from '../support/chain.js';
import { publish, until } from '../support/server.js';
import { type BehindProxy, clientsCa, startBehind } from './behind.js';
import { describeBehind } from './cases.js';

const [page = '', socketUpstream = '', socketPass = ''] = configurations('docs/behind-nginx.md', 'nginx');

const nginx: BehindProxy = {
  name: 'nginx',
  header: 'nginx',
  clientAddress: 'x-real-ip',
  config: ({ folder, port, app }, transport) => {
    const config = replaceAll(transport === 'socket' ? onSocket() : page, {
      '/etc/nginx/certs': `${folder}/certs`,
      'listen 443': `listen 127.0.0.1:${port}`,
    });
    if (transport === 'socket') return replaceAll(config, { '/run/app/http.sock': app });
    return replaceAll(config, {
      '/etc/nginx/internal': `${folder}/internal`,
      '127.0.0.1:8443': `127.0.0.1:${app}`,
    });
  },
  linesOf: (client) => [['X-SSL-Client-Cert', escaped(client)]],
};

/** The change that the page describes. */
function onSocket(): string {
  return page
    .replace(/^upstream app \{.*?^\}\n/ms, socketUpstream)
    .replace(/^ *proxy_pass .*\n/m, socketPass)
    .replace(/^ *proxy_ssl_.*\n/gm, '');
}

describeBehind(nginx, {
  withoutCertificate: (config) =>
    replaceAll(config, { 'ssl_verify_client      on;': 'ssl_verify_client optional;' }),
  withLongBodies: (config) => replaceAll(config, { 'server {': 'server { client_max_body_size 20m;' }),
  // Version 1.22 ends the session.
  spoofedOverHttp2: { 'as a trailer': 'ended' },
  mistakes: {
    'a certificate that no CA has signed': {
      edit: (config) =>
        replaceAll(config, { 'ssl_verify_client      on;': 'ssl_verify_client optional_no_ca;' }),
      as: selfSigned('client1'),
      status: 401,
      reason: 'untrusted',
    },
    'PEM with line breaks': {
      edit: (config) => replaceAll(config, { $ssl_client_escaped_cert: '$ssl_client_raw_cert' }),
      as: clientsCa.client('client2'),
      status: 400,
    },
    'no certificate of its own': {
      edit: (config) => config.replace(/^ *proxy_ssl_certificate.*\n/gm, ''),
      as: clientsCa.client('client2'),
      status: 502,
      reason: 'no-certificate',
    },
  },
});

const test = testWith(isInstalled('nginx'), 'nginx is not installed');

test('a revocation takes no server out of an upstream of several', async () => {
  const [client1, client2] = [clientsCa.client('client1'), clientsCa.client('client2')];
  const started = await startBehind(nginx, {
    edit: (config) => config.replace(/^ *server 127\.0\.0\.1:.*\n/m, '$&$&'),
  });
  const waiting = [client1, client1].map((client) => started.as(client).send([], { target: '/waiting' }));
  await until(() => started.seen.length === 2, 'both requests wait');
  publish(started.crl, clientsCa.crl({ number: 2, revoked: [{ serial: client1.serial }] }).pem);
  await started.mtls.reload();
  await Promise.all(waiting);
  for (let call = 0; call < 4; call++) expect((await started.as(client2).send()).status).toBe(200);
  expect(started.seen).toHaveLength(6);
});
