import crypto from 'node:crypto';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { type Certificate, parseCertificate } from '../../../src/x509/certificate.js';
import { CertificateStore } from '../../../src/x509/certificate-store.js';
import { ca, type CertificateAuthority } from '../../support/chain.js';

const at = new Date();
let signatures: ReturnType<typeof jest.spyOn>;
let keys: ReturnType<typeof jest.spyOn>;

beforeEach(() => {
  signatures = jest.spyOn(crypto, 'verify');
  keys = jest.spyOn(crypto, 'createPublicKey');
});

afterEach(() => {
  jest.restoreAllMocks();
});

const parse = ({ der }: { readonly der: Buffer }): Certificate => parseCertificate(Buffer.from(der));

/** Reads CAs again, as a reload does, and returns how many signatures and keys that took. */
function load(
  cas: readonly { readonly der: Buffer }[],
  predecessor?: CertificateStore,
): { store: CertificateStore; signatures: number; keys: number } {
  const certificates = cas.map(parse);
  signatures.mockClear();
  keys.mockClear();
  const store = new CertificateStore(certificates, { predecessor });
  for (const certificate of certificates) store.chainOf(certificate, [], at);
  return { store, signatures: signatures.mock.calls.length, keys: keys.mock.calls.length };
}

const root = ca('root');
const middle = root.intermediate('middle');
const added = ca('added');

test('a store verifies only what its predecessor has not verified', () => {
  const first = load([root, middle]);
  expect(first).toMatchObject({ signatures: 2, keys: 2 });
  const second = load([root, middle, added], first.store);
  expect(second).toMatchObject({ signatures: 1, keys: 1 });
  expect(second.store.certificates.map(({ raw }) => raw)).toEqual([root.der, middle.der, added.der]);
  expect([root, middle, added].map((each) => second.store.isAnchor(parse(each)))).toEqual([
    true,
    false,
    true,
  ]);
  expect(load([middle, root], second.store)).toMatchObject({ signatures: 0, keys: 0 });
});

test('the signature of a client is not verified again if CAs are added', () => {
  const client = parse(middle.client());
  const first = load([root, middle]);
  expect(first.store.chainOf(client, [], at)).toHaveLength(3);
  const { store } = load([root, middle, added], first.store);
  signatures.mockClear();
  expect(store.chainOf(client, [], at)).toHaveLength(3);
  expect(signatures).not.toHaveBeenCalled();
});

test('what a removed CA signed leads to no anchor, although it was verified', () => {
  const client = parse(middle.client());
  const first = load([root, middle, added]);
  expect(first.store.chainOf(client, [], at)).toHaveLength(3);
  expect(load([root, added], first.store).store.chainOf(client, [], at)).toBeUndefined();
  expect(load([middle, added], first.store).store.chainOf(client, [], at)).toBeUndefined();
});

test('another CA with the same name and another key is tried, and does not pass for the one that signed', () => {
  const namesake = ca({ commonName: 'root', subjectKeyId: false });
  const client = parse(root.client({ authorityKeyId: false }));
  const first = load([root]);
  expect(first.store.chainOf(client, [], at)).toHaveLength(2);
  const { store } = load([namesake], first.store);
  signatures.mockClear();
  expect(store.chainOf(client, [], at)).toBeUndefined();
  expect(signatures).toHaveBeenCalledTimes(1);
});

test('CAs of one name that one of them certified take two signatures each, and none at a reload', () => {
  const cas = Array.from({ length: 8 }, () => ca({ commonName: 'ca', subjectKeyId: false }));
  const [from, ...certified] = cas as [CertificateAuthority, ...CertificateAuthority[]];
  const bridges = certified.map(({ privateKey }) =>
    from.selfIssued({ privateKey, subjectKeyId: false, authorityKeyId: false }),
  );
  const first = load([...bridges, from]);
  // For the first, three of the eight keys: the likely two, and the one that the signature determines.
  expect(first.signatures).toBe(3 + 2 * 6 + 1);
  const again = load([...bridges, from], first.store);
  expect(again.signatures).toBe(0);
  for (const { store } of [first, again])
    for (const each of bridges)
      expect(store.verifiedIssuersOf(parse(each))?.map(({ raw }) => raw)).toEqual([from.der]);
});
