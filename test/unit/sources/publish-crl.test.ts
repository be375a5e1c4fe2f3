import { expect, test } from '@jest/globals';
import { publishCrl } from '../../../src/sources/publish-crl.js';
import { formatReport } from '../../../src/sources/process-report.js';
import { ca } from '../../support/chain.js';
import { MemoryStore } from '../../support/memory-store.js';
import { until } from '../../support/server.js';

const root = ca('root');
const other = ca('other');
const [first, second] = [root.client('first'), root.client('second')];
const minute = 60_000;
const ago = (minutes: number): Date => new Date(Date.now() - minutes * minute);

const one = root.crl({ number: 1, thisUpdate: ago(5) });
const two = root.crl({ number: 2, thisUpdate: ago(4), revoked: [first] });

async function storeWith(...ders: readonly Buffer[]): Promise<MemoryStore> {
  const store = new MemoryStore();
  for (const der of ders) await publishCrl(store, der, { ca: [root.pem, other.pem] });
  return store;
}

const contents = (store: MemoryStore): Buffer[] => [...store.crls.values()].map(({ crl }) => crl);

test('a newer CRL replaces an older one, in DER whatever its form, and the report names both', async () => {
  const store = await storeWith(one.der);
  const report = await publishCrl(store, two.pem, { ca: root.pem });
  expect(contents(store)).toEqual([two.der]);
  expect(report).toMatchObject({
    store: 'memory',
    confirmation: undefined,
    crls: [
      {
        outcome: 'published',
        issuer: 'CN=root',
        crlNumber: 2n,
        entries: 1,
        bytes: two.der.length,
        replaced: { crlNumber: 1n },
      },
    ],
  });
});

test('the same CRL again changes nothing', async () => {
  const store = await storeWith(two.der);
  const report = await publishCrl(store, two.der, { ca: root.pem });
  expect(report.crls).toMatchObject([{ outcome: 'unchanged', replaced: undefined }]);
  expect(store.calls.filter((call) => call.startsWith('write'))).toHaveLength(1);
});

test.each([
  ['a lower number', root.crl({ number: 1, revoked: [first, second] })],
  ['an earlier thisUpdate', root.crl({ number: 3, thisUpdate: ago(10), revoked: [first] })],
  ['the same number without an entry', root.crl({ number: 2, thisUpdate: ago(4), revoked: [second] })],
  ['no number', root.crl({ number: null, revoked: [first] })],
])('a CRL with %s is refused, and the store keeps what it had', async (_, { der }) => {
  const store = await storeWith(two.der);
  await expect(publishCrl(store, der, { ca: root.pem })).rejects.toMatchObject({
    code: 'ERR_MTLS_CRL_ROLLBACK',
  });
  expect(contents(store)).toEqual([two.der]);
});

test.each([
  ['by another CA', other.crl().der, 'ERR_MTLS_CRL_ISSUER_UNKNOWN'],
  ['with a damaged signature', damaged(one.der), 'ERR_MTLS_CRL_SIGNATURE_INVALID'],
  ['that has expired', root.crl({ thisUpdate: ago(9), nextUpdate: ago(1) }).der, 'ERR_MTLS_CRL_EXPIRED'],
  ['from the future', root.crl({ thisUpdate: ago(-60) }).der, 'ERR_MTLS_CRL_INVALID'],
  ['that is none', Buffer.from('garbage'), 'ERR_MTLS_PEM_INVALID'],
])('a CRL %s is not published', async (_, der, code) => {
  const store = new MemoryStore();
  await expect(publishCrl(store, der, { ca: root.pem })).rejects.toMatchObject({ code });
  expect(store.calls).toEqual([]);
});

test.each([
  ['garbage', Buffer.from('garbage')],
  ["another CA's CRL", other.crl({ number: 9 }).der],
  ['a CRL with a damaged signature', damaged(root.crl({ number: 9 }).der)],
])('%s that a hostile writer left is replaced', async (_, hostile) => {
  const store = await storeWith(one.der);
  const [key = ''] = store.crls.keys();
  store.put(key, hostile);
  const report = await publishCrl(store, two.der, { ca: root.pem });
  expect(report.crls).toMatchObject([{ outcome: 'published', replaced: 'foreign' }]);
  expect(contents(store)).toEqual([two.der]);
});

test('a delta is replaced by a newer one, and never by an older one', async () => {
  const older = root.crl({ number: 3, delta: 1, thisUpdate: ago(3), revoked: [first] });
  const newer = root.crl({ number: 4, delta: 1, thisUpdate: ago(2), revoked: [first, second] });
  const store = await storeWith(one.der, older.der);
  const { crls } = await publishCrl(store, newer.der, { ca: root.pem });
  expect(crls).toMatchObject([{ outcome: 'published', deltaBase: 1n, replaced: { crlNumber: 3n } }]);
  expect(contents(store)).toEqual([one.der, newer.der]);
  await expect(publishCrl(store, older.der, { ca: root.pem })).rejects.toMatchObject({
    code: 'ERR_MTLS_CRL_ROLLBACK',
  });
  expect(contents(store)).toEqual([one.der, newer.der]);
});

test('each CA, each scope and its deltas have keys of their own', async () => {
  const delta = root.crl({ number: 3, delta: 1, revoked: [second] });
  const partition = root.crl({ number: 1, idp: { fullName: ['http://ca.example/1.crl'] } });
  const store = await storeWith(one.der, other.crl().der, delta.der, partition.der);
  expect(new Set(store.crls.keys()).size).toBe(4);
  expect([...store.crls.keys()].every((key) => /^[0-9a-f]{32}$/.test(key))).toBe(true);
});

test('of two publishers at once, the one with the newer CRL wins, whichever writes first', async () => {
  const three = root.crl({ number: 3, thisUpdate: ago(3), revoked: [first, second] });
  const overtaken = await storeWith(one.der);
  const [key = ''] = overtaken.crls.keys();
  overtaken.beforeWrite = () => {
    overtaken.put(key, three.der);
  };
  await expect(publishCrl(overtaken, two.der, { ca: root.pem })).rejects.toMatchObject({
    code: 'ERR_MTLS_CRL_ROLLBACK',
  });
  expect(contents(overtaken)).toEqual([three.der]);
  const overtaking = await storeWith(one.der);
  overtaking.beforeWrite = () => {
    overtaking.beforeWrite = undefined;
    overtaking.put(key, two.der);
  };
  await publishCrl(overtaking, three.der, { ca: root.pem });
  expect(contents(overtaking)).toEqual([three.der]);
});

test('waiting ends with how many processes have confirmed', async () => {
  const store = await storeWith(one.der);
  const { confirmation } = await publishCrl(store, two.der, { ca: root.pem, wait: 2, waitMs: 50 });
  expect(confirmation).toMatchObject({ wanted: 2, processes: 0 });
});

test.each([
  ['another scope', { idp: { fullName: ['http://ca.example/1.crl'] } }, 0],
  ['the same scope', {}, 1],
])(
  'a newer CRL of %s counts as in force only if it has replaced the published one',
  async (_, of, processes) => {
    const store = await storeWith(one.der);
    const publishing = publishCrl(store, two.der, { ca: root.pem, wait: 1, waitMs: 1000 });
    await until(() => contents(store).some((der) => der.equals(two.der)), 'the CRL is in the store');
    const { crls } = await publishCrl(store, root.crl({ number: 9, ...of }).der, { ca: root.pem });
    const now = new Date();
    store.kept.set(
      'one',
      formatReport({
        id: 'one',
        startedAt: now,
        at: now,
        versions: new Map(crls.map(({ key, version }) => [key, version])),
        crls: [
          { issuer: 'CN=root', crlNumber: 9n, deltaBase: undefined, thisUpdate: now, nextUpdate: undefined },
        ],
      }),
    );
    expect((await publishing).confirmation).toMatchObject({ wanted: 1, processes });
  },
);

/** The same CRL with another last byte of its signature. */
function damaged(der: Buffer): Buffer {
  const copy = Buffer.from(der);
  copy[copy.length - 1] = (copy.at(-1) as number) ^ 1;
  return copy;
}
