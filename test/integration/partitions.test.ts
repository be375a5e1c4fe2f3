import { describe, expect, test } from '@jest/globals';
import { type Certificate, type CertificateAuthority, ca } from '../support/chain.js';
import type { CrlOptions } from '../support/crl.js';
import { publish, startServer, until } from '../support/server.js';
import { distributionPoints } from '../support/lists.js';

const hour = 3_600_000;
const inMs = (ms: number): Date => new Date(Date.now() + ms);

const point = 'http://a.test/crl';

interface World {
  readonly root: CertificateAuthority;
  readonly client1: Certificate;
  readonly client2: Certificate;
  /** A list of the CA that was issued so many hours ago. */
  readonly list: (hoursAgo: number, options?: CrlOptions) => string;
}

function world(): World {
  const root = ca('ca');
  const extraExtensions = [distributionPoints({ uris: [point] })];
  const [client1, client2] = ['client1', 'client2'].map((commonName) =>
    root.client({ commonName, extraExtensions }),
  ) as [Certificate, Certificate];
  const list: World['list'] = (hoursAgo, options = {}) =>
    root.crl({ thisUpdate: inMs(-hoursAgo * hour), ...options }).pem;
  return { root, client1, client2, list };
}

describe('after a partition was published once, the next full CRL comes into force by itself', () => {
  const partitions: readonly (readonly [string, readonly CrlOptions[]])[] = [
    ['for users', [{ idp: { onlyUser: true } }]],
    ['for CAs', [{ idp: { onlyCa: true } }]],
    ['for attribute certificates', [{ idp: { onlyAttribute: true } }]],
    ['for a distribution point', [{ idp: { fullName: [point] } }]],
    ['for some reasons', [{ idp: { onlySomeReasons: ['keyCompromise'] } }]],
    ['that is indirect', [{ idp: { indirect: true } }]],
    ['of users and one of CAs', [{ idp: { onlyUser: true } }, { idp: { onlyCa: true } }]],
    ['with a delta', [{ idp: { onlyUser: true } }, { idp: { onlyUser: true }, number: 91, delta: 90 }]],
  ];

  test.each(partitions)('%s', async (_what, options) => {
    const { root, client1, client2, list } = world();
    const full = list(3);
    const server = await startServer({ root, crl: full });
    const [old1, old2] = [client1, client2].map((client) => server.as(client, { keepAlive: true }));
    for (const old of [old1, old2]) expect(await old?.get()).toMatchObject({ status: 200 });
    publish(server.files.crl, full + options.map((one) => list(2, { number: 90, ...one })).join(''));
    await until(() => server.mtls.revocation.crls.length === 1 + options.length, 'the partition is in force');
    expect(await old2?.get()).toMatchObject({ status: 200 });

    publish(server.files.crl, list(1, { number: 2, revoked: [client2] }));
    await until(() => old2?.connection.isClosed === true, 'the connection of client2 is closed');
    expect(await server.as(client2).get()).toMatchObject({ status: 'refused' });
    expect(await old1?.get()).toMatchObject({ status: 200 });
    expect(server.recorder.events('reload-failed')).toEqual([]);
    expect(server.mtls.revocation.crls).toMatchObject([{ number: '2' }]);
  });
});

test('a base and its delta replace a partition that was issued between them', async () => {
  const { root, client2, list } = world();
  const base = list(3, { number: 5 });
  const server = await startServer({
    root,
    crl: base + list(2, { idp: { onlyUser: true } }),
    options: { watch: false },
  });
  expect(await server.as(client2).get()).toMatchObject({ status: 200 });
  publish(server.files.crl, base + list(1, { number: 6, delta: 5, revoked: [client2] }));
  expect(await server.mtls.reload()).toMatchObject({ changed: true });
  expect(await server.as(client2).get()).toMatchObject({ status: 'refused' });
});

describe('a client that a partition lists', () => {
  test.each<[string, (list: World['list'], client2: Certificate) => string]>([
    ['a full CRL that was issued before it, with a higher number', (list) => list(3, { number: 999 })],
    ['a newer CRL for CAs', (list) => list(1, { number: 999, idp: { onlyCa: true } })],
    ['a newer CRL for some reasons', (list) => list(1, { idp: { onlySomeReasons: ['keyCompromise'] } })],
    [
      'a newer CRL for another distribution point',
      (list) => list(1, { idp: { fullName: ['http://b.test'] } }),
    ],
    ['an expired delta', (list) => list(3) + list(1.5, { number: 2, delta: 1, nextUpdate: inMs(-hour) })],
  ])('is not admitted again by %s', async (_what, make) => {
    const { root, client2, list } = world();
    const full = list(4, { number: 0 });
    const crl = full + list(2, { idp: { onlyUser: true }, revoked: [client2] });
    const server = await startServer({ root, crl, options: { watch: false } });
    expect(await server.as(client2).get()).toMatchObject({ status: 'refused' });
    publish(server.files.crl, full + make(list, client2));
    await expect(server.mtls.reload()).rejects.toMatchObject({ code: 'ERR_MTLS_CRL_ROLLBACK' });
    expect(await server.as(client2).get()).toMatchObject({ status: 'refused' });
  });

  test('is admitted again by a full CRL that was issued later and does not list it', async () => {
    const { root, client2, list } = world();
    const crl = list(3) + list(2, { idp: { onlyUser: true }, revoked: [client2] });
    const server = await startServer({ root, crl, options: { watch: false } });
    expect(await server.as(client2).get()).toMatchObject({ status: 'refused' });
    publish(server.files.crl, list(1, { number: 2 }));
    expect(await server.mtls.reload()).toMatchObject({ changed: true, removed: 1 });
    expect(await server.as(client2).get()).toMatchObject({ status: 200 });
  });
});

test('a full CRL is kept beside a newer CRL for users, and replaced by it together with one for CAs', async () => {
  const { root, client1, client2, list } = world();
  const server = await startServer({ root, crl: list(2, { revoked: [client2] }), options: { watch: false } });
  const users = list(1, { idp: { onlyUser: true }, revoked: [client1, client2] });
  publish(server.files.crl, users);
  await expect(server.mtls.reload()).rejects.toMatchObject({ code: 'ERR_MTLS_CRL_ROLLBACK' });
  expect(server.mtls.revocation.crls).toHaveLength(2);
  for (const client of [client1, client2])
    expect(await server.as(client).get()).toMatchObject({ status: 'refused' });
  publish(server.files.crl, users + list(1, { idp: { onlyCa: true } }));
  expect(await server.mtls.reload()).toMatchObject({ changed: true });
  for (const client of [client1, client2])
    expect(await server.as(client).get()).toMatchObject({ status: 'refused' });
});
