/**
 * A server as an operator finds it: clients, refusals over an hour, a fleet, certificates that expire. It is a real
 * server with real clients; only its clock is set, so that the hour does not have to pass.
 *
 * @module
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import express from 'express';
import { mtlsErrorHandler, requireClient } from 'express-mtls';
import { type ReadFleet, statusRouter } from 'express-mtls/status';
import { ca, type Certificate, type CertificateAuthority } from '../support/chain.js';
import { publish, startServer, type TestServer, until } from '../support/server.js';
import { writeMaterial } from '../support/files.js';

const [minute, hour, day] = [60_000, 3_600_000, 86_400_000];

/** The name of a stranger: markup, and no place to break a line. */
const hostileName = `<img src=x onerror=alert(1)>${'W'.repeat(170)}`;

export interface Scene {
  readonly url: string;
  /** The folder with `op-crt.pem` and `op-key.pem`. */
  readonly certs: string;
  readonly as: 'op';
}

/** @param state - Whether all is well, or a source is at fault, and a CRL and a certificate expire soon. */
export async function setScene(state: 'well' | 'trouble'): Promise<Scene> {
  const now = Date.now();
  const life = (begin: number, end: number): { notBefore: Date; notAfter: Date } => ({
    notBefore: new Date(now + begin * day),
    notAfter: new Date(now + end * day),
  });
  const root = ca({ commonName: 'Example Root CA', organization: 'Example', ...life(-400, 3250) });
  const partner = ca({ commonName: 'Partner CA', organization: 'Partner', ...life(-200, 900) });
  const client = (commonName: string, authority = root, more: object = {}): Certificate =>
    authority.client({ commonName, ...life(-20, 70), ...more });
  const published = crlsOf(state === 'trouble', now);
  const app = express();
  app.get('/', (_req, res) => res.send('hello'));
  const server = await startServer({
    root,
    serverCertificate: root.server(life(-30, 60)),
    cas: [root, partner],
    crl: published.root(root, 41).pem,
    app,
    options: {
      watch: false,
      sni: { 'api.partner.example': certificateFor(root, life(-80, state === 'trouble' ? 10 : 45)) },
    },
  });
  const crlFile = path.join(server.directory, 'ca-crl.pem');
  const write = (number: number, revoked: Certificate[]): void => {
    publish(crlFile, published.root(root, number, revoked).pem + published.partner(partner).pem);
  };
  server.clock.set(now - 3 * hour);
  app.use('/reports', requireClient({ organizationalUnit: 'finance' }), (_req, res) => res.send('reports'));
  app.use('/status', statusRouter(server.mtls, statusOptions(state, now, server)));
  app.use(mtlsErrorHandler());

  const [sensor, turbine] = [client('sensor-17'), client('turbine-3')];
  const [stranger, old] = [
    client(hostileName, ca({ commonName: 'elsewhere', ...life(-20, 70) }), {
      serial: Buffer.alloc(20, 0x7f),
    }),
    client('gateway-old', root, life(-90, -1)),
  ];
  const clients = [client('gateway-1'), client('gateway-2'), client('erp', partner), client('erp', partner)];
  await server.as(turbine).open();
  await until(() => [...server.mtls.connections].length === 1, 'the turbine is connected');
  server.clock.set(now - 58 * minute);
  write(42, [sensor, turbine]);
  await server.mtls.reload();
  // The minutes before now, and who is refused in them.
  const refusals = [
    ...[57, 52, 47, 42, 37, 32, 27, 22, 17, 12, 7, 2].map((ago) => ({ ago, who: sensor, times: 1 })),
    ...[34, 33, 32, 31].map((ago, index) => ({ ago, who: stranger, times: [2, 5, 7, 3][index]! })),
    { ago: 20, who: old, times: 2 },
    { ago: 5, who: old, times: 1 },
  ].sort((one, other) => other.ago - one.ago);
  for (const { ago, who, times } of refusals) {
    server.clock.set(now - ago * minute);
    for (let time = 0; time < times; time++) await server.as(who).get();
  }
  server.clock.set(now - 9 * minute);
  for (const one of [...clients, clients[0]!, clients[0]!]) await server.as(one).open();
  await server.as(clients[1]).get('/reports/2026?key=hidden');
  if (state === 'trouble') {
    server.clock.set(now - 4 * minute);
    writeFileSync(path.join(server.directory, 'server-key.pem'), 'not a key\n');
    await server.mtls.reload().catch(() => undefined);
  }
  server.clock.set(now);
  await until(() => [...server.mtls.connections].length === 6, 'every client is connected');

  const operator = client('op', root, { organizationalUnit: 'operators' });
  writeMaterial(server.directory, { 'op-crt.pem': operator.chainPem, 'op-key.pem': operator.keyPem });
  return { url: `https://localhost:${server.port}`, certs: server.directory, as: 'op' };
}

interface Published {
  root(authority: CertificateAuthority, number: number, revoked?: Certificate[]): { pem: string };
  partner(authority: CertificateAuthority): { pem: string };
}

function crlsOf(isTrouble: boolean, now: number): Published {
  const dates = (begin: number, end: number): { thisUpdate: Date; nextUpdate: Date } => ({
    thisUpdate: new Date(now + begin * hour),
    nextUpdate: new Date(now + end * hour),
  });
  return {
    root: (authority, number, revoked = []) => authority.crl({ number, revoked, ...dates(-4, 164) }),
    partner: (authority) =>
      authority.crl({ number: 7, ...(isTrouble ? dates(-23.4, 0.67) : dates(-3, 21.2)) }),
  };
}

function certificateFor(
  root: CertificateAuthority,
  dates: { notBefore: Date; notAfter: Date },
): { key: string; cert: string } {
  const { keyPem: key, chainPem: cert } = root.server({
    commonName: 'api.partner.example',
    sans: { dns: ['api.partner.example'] },
    ...dates,
  });
  return { key, cert };
}

function statusOptions(
  state: 'well' | 'trouble',
  now: number,
  { clock }: TestServer,
): { access: { organizationalUnit: string }; now: () => number; fleet: ReadFleet } {
  const processOf = (host: string, pid: number, crlNumber: bigint) => ({
    id: `${host}-${pid}`,
    host,
    pid,
    node: process.version,
    startedAt: new Date(now - 9 * day),
    at: new Date(now - 1500),
    versions: new Map<string, string>(),
    crls: [
      {
        issuer: 'CN=Example Root CA,O=Example',
        crlNumber,
        deltaBase: undefined,
        thisUpdate: new Date(now - 4 * hour),
        nextUpdate: new Date(now + 164 * hour),
      },
    ],
  });
  const processes = [
    processOf('web-1', 4711, 42n),
    processOf('web-2', 4712, state === 'well' ? 42n : 41n),
    processOf('web-3', 4713, 42n),
  ];
  return {
    access: { organizationalUnit: 'operators' },
    now: clock.now,
    fleet: () => Promise.resolve(processes),
  };
}
