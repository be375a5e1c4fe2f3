/**
 * HAProxy in front of the app, by the configuration in docs/behind-haproxy.md.
 *
 * @module
 */
import { expect } from '@jest/globals';
import { selfSigned } from '../support/chain.js';
import { byteSequence } from '../support/proxied.js';
import { configurations, isInstalled, replaceAll } from '../support/real-proxy.js';
import { testWith } from '../support/requirements.js';
import { type BehindProxy, clientsCa, type Started, startBehind } from './behind.js';
import { describeBehind } from './cases.js';
import { describeHttp2Backend } from './http2-backend.js';

const [page = '', socketBackend = ''] = configurations('docs/behind-haproxy.md', 'haproxy');

const haproxy: BehindProxy = {
  name: 'haproxy',
  header: 'haproxy',
  clientAddress: 'x-real-ip',
  config: ({ folder, port, app }, transport) => {
    const changed = transport === 'socket' ? page.replace(/^backend app\n.*/ms, socketBackend) : page;
    const config = replaceAll(changed, {
      '/etc/haproxy/certs': `${folder}/certs`,
      'bind :443': `bind 127.0.0.1:${port}`,
    });
    if (transport === 'socket') return replaceAll(config, { '/run/app/http.sock': app });
    return replaceAll(config, {
      '/etc/haproxy/internal': `${folder}/internal`,
      '127.0.0.1:8443': `127.0.0.1:${app}`,
    });
  },
  linesOf: (client) => [
    ['Client-Cert', byteSequence(client)],
    ['Client-Cert-Chain', byteSequence(clientsCa)],
  ],
};

const optional = { 'certs/ca-crt.pem verify required': 'certs/ca-crt.pem verify optional' };

describeBehind(haproxy, {
  withoutCertificate: (config) => replaceAll(config, optional),
  mistakes: {
    'ssl_c_verify without ssl_c_used': {
      edit: (config) => replaceAll(config, { ...optional, '{ ssl_c_used }': '{ ssl_c_verify 0 }' }),
      status: 400,
      reason: 'header-invalid',
    },
    'a certificate that no CA has signed': {
      edit: (config) =>
        replaceAll(config, {
          'verify required alpn': 'verify required ca-ignore-err all crt-ignore-err all alpn',
        }),
      as: selfSigned('client1'),
      status: 401,
      reason: 'untrusted',
    },
    'a second line': {
      edit: (config) =>
        replaceAll(config.replace(/^.*del-header.*\n/gm, ''), {
          'set-header Client-Cert': 'add-header Client-Cert',
        }),
      as: clientsCa.client('client2'),
      isSpoofed: true,
      status: 400,
      reason: 'header-invalid',
    },
  },
});

const test = testWith(isInstalled('haproxy'), 'haproxy is not installed');
const middle = clientsCa.intermediate('middle');
const below = middle.client('client3');

/** Calls twice, the second time with the session of the first. */
async function callTwice({ as }: Started): Promise<(number | 'ended')[]> {
  const client = as(below);
  const first = await client.send();
  const second = await client.send([], { session: first.session });
  expect([first.isResumed, second.isResumed]).toEqual([false, true]);
  return [first.status, second.status];
}

/** Without a CRL of the intermediate, which needs the intermediate in `ca`. */
async function startBelow(cas: readonly { readonly pem: string }[]): Promise<Started> {
  const options = { ca: cas.map(({ pem }) => pem), crl: clientsCa.crl({ number: 1 }).pem };
  return await startBehind(haproxy, { options: { ...options, revocation: { unknown: 'allow' } } });
}

test('a client of an intermediate is admitted on a resumed session where that is configured', async () => {
  const started = await startBelow([clientsCa, middle]);
  expect(await callTwice(started)).toEqual([200, 200]);
  expect(started.seen.map(({ identity }) => identity?.commonName)).toEqual(['client3', 'client3']);
});

test('a client of an intermediate is refused by name on a resumed session where that is not configured', async () => {
  const started = await startBelow([clientsCa]);
  expect(await callTwice(started)).toEqual([200, 401]);
  expect(started.recorder.events('refused')).toMatchObject([
    {
      reason: 'untrusted',
      identity: { commonName: 'client3' },
      detail: expect.stringContaining('"CN=middle"') as unknown,
      remedy: expect.stringContaining('add it to options.ca') as unknown,
    },
  ]);
});

describeHttp2Backend(haproxy, (config) =>
  replaceAll(config, {
    'backend app\n': 'backend app\n  http-reuse always\n',
    'verifyhost localhost': 'verifyhost localhost alpn h2',
  }),
);
