/**
 * `express-mtls doctor --behind` with real proxies, by the configurations in docs/.
 *
 * @module
 */
import { chmodSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { expect } from '@jest/globals';
import type { BehindReport } from '../../src/cli/doctor/behind.js';
import type { Verdict } from '../../src/cli/doctor/verdict.js';
import { runCommand } from '../support/command.js';
import { temporaryDirectory, writeMaterial } from '../support/files.js';
import { freePort } from '../support/ports.js';
import {
  configurations,
  isInstalled,
  type ProxyName,
  replaceAll,
  startProxy,
} from '../support/real-proxy.js';
import { testWith } from '../support/requirements.js';
import { clientsCa, internalCa } from './behind.js';

const testNginx = testWith(isInstalled('nginx'), 'nginx is not installed');

/** Where the configuration of a page listens, and where it expects the app. */
const places: Readonly<Record<ProxyName, (port: string, app: string) => Readonly<Record<string, string>>>> = {
  nginx: (port, app) => ({ 'listen 443': `listen 127.0.0.1:${port}`, '127.0.0.1:8443': `127.0.0.1:${app}` }),
  haproxy: (port, app) => ({ 'bind :443': `bind 127.0.0.1:${port}`, '127.0.0.1:8443': `127.0.0.1:${app}` }),
  apache: (port, app) => ({
    'Listen 443': `Listen 127.0.0.1:${port}`,
    '*:443': `*:${port}`,
    'localhost:8443': `localhost:${app}`,
  }),
  caddy: (port, app) => ({
    'https://api.example.com': `https://localhost:${port}`,
    'auto_https disable_redirects': 'auto_https disable_redirects\n\tadmin off',
    '127.0.0.1:8443': `127.0.0.1:${app}`,
  }),
};

interface Found {
  readonly code: number;
  readonly behind: BehindReport;
  readonly verdict: Verdict;
  readonly failing: readonly (readonly [section: string, step: string, detail: string])[];
}

type Edit = (config: string) => string;

async function askBehindNginx(edit?: Edit): Promise<Found> {
  return await askBehind('nginx', edit);
}

/** Starts a proxy without an app, and has the doctor stand in. */
async function askBehind(name: ProxyName, edit: Edit = (config) => config): Promise<Found> {
  const [page = ''] = configurations(`docs/behind-${name}.md`, name);
  const folder = temporaryDirectory();
  chmodSync(folder, 0o755);
  const [certs, internal] = [path.join(folder, 'certs'), path.join(folder, 'internal')];
  for (const each of [certs, internal]) mkdirSync(each);
  const [server, app, proxy] = [clientsCa.server(), internalCa.server(), internalCa.client(name)];
  const client = clientsCa.client('client1');
  const files = writeMaterial(certs, {
    'ca-crt.pem': clientsCa.pem,
    'ca-crl.pem': clientsCa.crl().pem,
    'server-crt.pem': server.chainPem,
    'server-key.pem': server.keyPem,
    'server.pem': server.chainPem + server.keyPem,
    'client1-crt.pem': client.chainPem,
    'client1-key.pem': client.keyPem,
  });
  const own = writeMaterial(internal, {
    'ca-crt.pem': internalCa.pem,
    [`${name}-crt.pem`]: proxy.chainPem,
    [`${name}-key.pem`]: proxy.keyPem,
    [`${name}.pem`]: proxy.chainPem + proxy.keyPem,
    'server-crt.pem': app.chainPem,
    'server-key.pem': app.keyPem,
  });
  const [port, appPort] = [await freePort(), await freePort()];
  const etc = `/etc/${name === 'apache' ? 'apache2' : name}`;
  const config = replaceAll(edit(page), {
    [`${etc}/certs`]: certs,
    [`${etc}/internal`]: internal,
    ...places[name](port, appPort),
  });
  await startProxy(name, { config, folder: path.join(folder, 'proxy'), port });
  const { code, out, err } = await runCommand([
    ...['doctor', '--json', '--cert', files['client1-crt.pem'], '--key', files['client1-key.pem']],
    ...['--ca', files['ca-crt.pem'], '--crl', files['ca-crl.pem']],
    ...['--behind', `https://localhost:${port}/`, '--listen', appPort],
    ...['--listen-cert', own['server-crt.pem'] ?? '', '--listen-key', own['server-key.pem'] ?? ''],
  ]);
  expect(err).toBe('');
  const data = JSON.parse(out) as Pick<Found, 'behind' | 'verdict'>;
  const failing = data.behind.sections.flatMap(({ section, steps }) =>
    steps
      .filter(({ outcome }) => outcome === 'fails')
      .map(({ step, detail }) => [section, step, detail] as const),
  );
  return { code, ...data, failing };
}

const optional = (config: string): string =>
  replaceAll(config, { 'ssl_verify_client      on;': 'ssl_verify_client optional;' });

const setLine = /^ *proxy_set_header X-SSL-Client-Cert .*\n/m;

testNginx('nginx as its page configures it is safe, and its header is recognized', async () => {
  const { code, behind, failing, verdict } = await askBehindNginx();
  expect([code, failing, behind.header]).toEqual([0, [], 'nginx']);
  expect(verdict.text).toMatch(/^client1 would be admitted; behind /);
  const steps = behind.sections.flatMap((section) => section.steps);
  expect(steps.find(({ step }) => step === 'proxy')?.detail).toContain(
    'with the proxy\'s own certificate CN=nginx: proxies.from can be { ca, rule: { commonName: "nginx" } }',
  );
  expect(steps.find(({ step }) => step === 'anonymous')?.detail).toBe(
    'the proxy does not pass the request on: it answers 400',
  );
});

testNginx(
  'nginx that asks for a certificate and does not require it is safe, as it overwrites the header',
  async () => {
    const { code, failing, behind } = await askBehindNginx(optional);
    expect([code, failing]).toEqual([0, []]);
    // By default nginx drops headers with underscores.
    const steps = behind.sections.flatMap((section) => section.steps);
    expect(steps.filter(({ outcome }) => outcome === 'note').map(({ detail }) => detail)).toEqual([
      expect.stringMatching(/^of a client these headers arrive: client-cert, [^_]*$/),
      expect.stringMatching(/^of a client these headers arrive: client-cert, [^_]*$/),
    ]);
  },
);

testNginx('nginx that does not set the header passes on what a client sends', async () => {
  const { code, behind, failing, verdict } = await askBehindNginx((config) =>
    optional(config.replace(setLine, '')),
  );
  expect([code, verdict.reason]).toEqual([1, 'unsafe-proxy']);
  const remedies = behind.sections.flatMap(({ steps }) => steps.flatMap(({ remedy }) => remedy ?? []));
  const inNginx = 'in nginx: proxy_set_header X-SSL-Client-Cert $ssl_client_escaped_cert';
  expect(remedies).toEqual([
    inNginx,
    `have the proxy set the header that the app reads, for example ${inNginx}`,
  ]);
  expect(failing).toEqual([
    ['forwarding', 'header', 'no header holds a certificate'],
    [
      'anonymous',
      'spoofing',
      expect.stringMatching(
        /^the proxy sets no header for a certificate, and these arrive .*x-ssl-client-cert/,
      ),
    ],
  ]);
});

testNginx('nginx that sets the header for some clients only passes on what the others send', async () => {
  const byDefault =
    'map $ssl_client_escaped_cert $forwarded { default $ssl_client_escaped_cert; "" $http_x_ssl_client_cert; }\n';
  const { code, failing } = await askBehindNginx(
    (config) =>
      byDefault +
      optional(
        replaceAll(config, { 'X-SSL-Client-Cert $ssl_client_escaped_cert': 'X-SSL-Client-Cert $forwarded' }),
      ),
  );
  expect(code).toBe(1);
  expect(failing).toEqual([
    [
      'anonymous',
      'spoofing',
      expect.stringMatching(
        /^x-ssl-client-cert arrives as a client sends it: sent in lower case, in upper case/,
      ),
    ],
  ]);
});

testNginx('nginx that does not trust the app sends it nothing', async () => {
  const { code, failing } = await askBehindNginx((config) =>
    replaceAll(config, { 'internal/ca-crt.pem': 'certs/ca-crt.pem' }),
  );
  expect(code).toBe(1);
  expect(failing).toEqual([
    ['forwarding', 'arrived', expect.stringMatching(/, and the proxy answered 502: a TLS /)],
  ]);
});

const headers: readonly (readonly [ProxyName, string])[] = [
  ['haproxy', 'rfc9440'],
  ['apache', 'apache'],
  ['caddy', 'caddy'],
];

for (const [name, header] of headers)
  testWith(isInstalled(name), `${name} is not installed`)(
    `${name} as its page configures it is safe, and its header is recognized`,
    async () => {
      const { code, behind, failing } = await askBehind(name);
      expect([code, failing, behind.header]).toEqual([0, [], header]);
    },
  );
