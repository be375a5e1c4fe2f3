import type { ServerResponse } from 'node:http';
import { expect, jest, test } from '@jest/globals';
import { crlFromDistributionPoints, type CrlFromDistributionPointsOptions } from 'express-mtls/sources';
import { type Certificate, ca, type CertificateAuthority } from '../support/chain.js';
import { CrlServer, status } from '../support/crl-server.js';
import { startServer, type TestServer, until } from '../support/server.js';
import { takeWarnings } from '../support/warnings.js';

interface World {
  readonly root: CertificateAuthority;
  readonly crls: CrlServer;
  readonly server: TestServer;
  /** A client whose certificate names a partition. */
  client(partition: string): Certificate;
  publish(partition: string, number: number, revoked?: readonly Certificate[]): void;
}

async function world(options: Partial<CrlFromDistributionPointsOptions> = {}): Promise<World> {
  const root = ca('ca');
  const crls = await CrlServer.start();
  const allow = [crls.origin()];
  const crl = crlFromDistributionPoints({ allow, refreshMs: 100, ...options });
  const server = await startServer({ root, options: { crl } });
  return {
    root,
    crls,
    server,
    client: (partition) =>
      root.client({ commonName: `client${partition}`, crlDistributionPoints: [crls.url(partition)] }),
    publish: (partition, number, revoked = []) => {
      const thisUpdate = new Date(Date.now() - 60_000 + number * 1000);
      const idp = { fullName: [crls.url(partition)] };
      crls.publish(partition, root.crl({ number, thisUpdate, revoked, idp }).der);
    },
  };
}

test('a client whose CRL is on its way is unknown, and admitted at its next attempt', async () => {
  const { server, client, publish, crls } = await world();
  const [good, revoked] = [client('/1'), client('/1')];
  publish('/1', 1, [revoked]);
  expect(server.mtls).toMatchObject({ faults: [], revocation: { crls: [] } });
  expect(crls.requests).toEqual([]);
  expect(await server.as(good).get()).toMatchObject({ status: 'refused' });
  expect(server.recorder.events('refused')).toMatchObject([{ reason: 'revocation-unknown' }]);
  await until(() => server.mtls.revocation.crls.length === 1, 'the partition is in force');
  expect(await server.as(good).get()).toMatchObject({ status: 200 });
  expect(await server.as(revoked).get()).toMatchObject({ status: 'refused' });
  expect(server.recorder.events('refused')).toMatchObject([{}, { reason: 'revoked' }]);
});

test('a partition is refreshed from then on: a connected client is evicted', async () => {
  const { server, client, publish } = await world();
  const one = client('/1');
  publish('/1', 1);
  await server.as(one).get();
  await until(() => server.mtls.revocation.crls.length === 1, 'the partition is in force');
  const connected = server.as(one, { keepAlive: true });
  expect(await connected.get()).toMatchObject({ status: 200 });
  publish('/1', 2, [one]);
  await until(() => server.recorder.events('evicted').length === 1, 'the client is evicted');
});

test('a CRL that arrives is no reason to ask for the others, and a reload is', async () => {
  const { server, client, publish, crls } = await world({ refreshMs: 86_400_000 });
  publish('/1', 1);
  publish('/2', 1);
  await server.as(client('/1')).get();
  await until(() => server.mtls.revocation.crls.length === 1, 'the first partition is in force');
  const clock = Date.now;
  const later = jest.spyOn(Date, 'now').mockImplementation(() => clock() + 6000);
  try {
    await server.as(client('/2')).get();
    await until(() => server.mtls.revocation.crls.length === 2, 'the second partition is in force');
    expect([crls.asked('/1'), crls.asked('/2')]).toEqual([1, 1]);
    await server.mtls.reload();
    expect([crls.asked('/1'), crls.asked('/2')]).toEqual([2, 1]);
  } finally {
    later.mockRestore();
  }
});

test('many clients of one partition cost one request, and partitions are independent', async () => {
  const { root, server, client, crls } = await world({ refreshMs: 86_400_000 });
  const held: ServerResponse[] = [];
  crls.on('/1', (response) => held.push(response));
  crls.on('/2', () => undefined);
  const clients = [client('/2'), ...Array.from({ length: 10 }, () => client('/1'))];
  await Promise.all(clients.map((one) => server.as(one).get()));
  await until(() => crls.asked('/1') > 0 && crls.asked('/2') > 0, 'both are asked for');
  // Later, a load may ask again for what was asked for five seconds ago.
  expect(crls.asked('/1')).toBe(1);
  held[0]?.end(root.crl({ idp: { fullName: [crls.url('/1')] } }).der);
  await until(() => server.mtls.revocation.crls.length === 1, 'the partition is in force');
  for (const one of clients.slice(1)) expect(await server.as(one).get()).toMatchObject({ status: 200 });
  expect(await server.as(client('/2')).get()).toMatchObject({ status: 'refused' });
});

test('at most eight CRLs are fetched at once, and at most maxPoints in total', async () => {
  const { server, client, publish, crls } = await world({ maxPoints: 12, refreshMs: 86_400_000 });
  const partitions = Array.from({ length: 16 }, (_, index) => `/${index}`);
  for (const partition of partitions) publish(partition, 1);
  await Promise.all(partitions.map((partition) => server.as(client(partition)).get()));
  await until(() => server.mtls.revocation.crls.length === 12, 'twelve are in force');
  expect(crls.mostOpen).toBeLessThanOrEqual(8);
  expect(new Set(crls.requests.map(({ path }) => path)).size).toBe(12);
  expect(takeWarnings()).toEqual([
    `a CRL at ${crls.origin()} is not fetched: 12 others are, the most that the option maxPoints allows`,
  ]);
});

test('an origin that is not allowed is never asked, and warned about once', async () => {
  const other = await CrlServer.start();
  const { server, root, crls, publish } = await world();
  const outside = [
    other.url('/1'),
    `http://localhost:${crls.port}/1`,
    `http://127.0.0.1:${crls.port}@evil.test/1`,
  ];
  const client = root.client({ crlDistributionPoints: outside });
  publish('/1', 1);
  for (let attempt = 0; attempt < 3; attempt++)
    expect(await server.as(client).get()).toMatchObject({ status: 'refused' });
  expect([...other.requests, ...crls.requests]).toEqual([]);
  const warnings = takeWarnings();
  expect(warnings).toHaveLength(2);
  expect(warnings[0]).toBe(
    `a CRL named in a certificate at ${other.origin()} is not fetched: the option allow does not cover its URL`,
  );
});

test('a path prefix holds for certificates and redirects', async () => {
  const root = ca('ca');
  const crls = await CrlServer.start();
  const crl = crlFromDistributionPoints({ allow: [`${crls.origin()}/crls`], refreshMs: 100 });
  const server = await startServer({ root, options: { crl } });
  const at = (path: string): Certificate => root.client({ crlDistributionPoints: [crls.url(path)] });
  crls.on('/crls/1', status(302, { location: '/admin' }));
  for (const path of ['/crls-other', '/crls/../admin', '/crls/1'])
    expect(await server.as(at(path)).get()).toMatchObject({ status: 'refused' });
  await until(() => server.mtls.faults.length === 1, 'the fault stands');
  expect(server.mtls.fault?.message).toContain(`redirects to ${crls.url('/admin')}, which is not allowed`);
  expect(new Set(crls.requests.map(({ path }) => path))).toEqual(new Set(['/crls/1']));
  takeWarnings();
});

test('the CRLs that configured CAs name are there when the server starts', async () => {
  const root = ca('root');
  const crls = await CrlServer.start();
  const issuing = root.intermediate({
    commonName: 'issuing',
    crlDistributionPoints: [crls.url('/root.crl')],
  });
  const client = issuing.client({ crlDistributionPoints: [crls.url('/issuing.crl')] });
  crls.publish('/root.crl', root.crl().der);
  crls.publish('/issuing.crl', issuing.crl().der);
  const crl = crlFromDistributionPoints({ allow: [crls.origin()] });
  const server = await startServer({ root, cas: [root, issuing], options: { crl } });
  expect(server.mtls.revocation).toMatchObject({ crls: [{}], uncovered: ['CN=issuing'] });
  await server.as(client).get();
  await until(() => server.mtls.revocation.crls.length === 2, 'both are in force');
  expect(await server.as(client).get()).toMatchObject({ status: 200 });
});
