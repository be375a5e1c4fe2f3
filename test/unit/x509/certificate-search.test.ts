import { describe, expect, test } from '@jest/globals';
import { parseCertificate } from '../../../src/x509/certificate.js';
import { CertificateStore } from '../../../src/x509/certificate-store.js';
import { ca } from '../../support/chain.js';

const now = new Date();
const day = (number: number): Date => new Date(Date.UTC(2025, 0, number));
const root = ca({ commonName: 'root', notBefore: new Date('2020-01-01T00:00:00Z') });
const east = root.intermediate({ commonName: 'east', key: 'ed25519' });
const leaf = parseCertificate(east.client().der);

/** Whether the path is found if this many CAs with the issuer's name, which signed nothing, were sent first. */
function isFoundBehind(strangers: number): boolean {
  const others = Array.from({ length: strangers }, () =>
    root.intermediate({ commonName: 'east', subjectKeyId: false, key: 'ed25519' }),
  );
  const store = new CertificateStore([parseCertificate(root.der)]);
  const sent = [...others, east].map(({ der }) => parseCertificate(der));
  return store.chainOf(leaf, sent, now) !== undefined;
}

describe('a search for a chain', () => {
  test('is not made again while what it found is in date', () => {
    const store = new CertificateStore([parseCertificate(root.der)]);
    const found = store.chainOf(leaf, [parseCertificate(east.der)], now);
    expect(found).toHaveLength(3);
    expect(store.chainOf(leaf, [parseCertificate(east.der)], now)).toBe(found);
  });

  test('finds an expired path if there is no other', () => {
    const old = root.intermediate({ commonName: 'old', notBefore: day(10), notAfter: day(20) });
    const store = new CertificateStore([root, old].map(({ der }) => parseCertificate(der)));
    const client = parseCertificate(old.client().der);
    for (const at of [day(5), day(20), day(30)])
      expect(store.chainOf(client, [], at)?.map(({ raw }) => raw)).toEqual([client.raw, old.der, root.der]);
  });

  // Two of the 128 signatures are those of the chain itself.
  test.each([
    [0, true],
    [126, true],
    [127, false],
  ])('behind %i CAs of the same name ends: found is %p', (strangers, found) => {
    expect(isFoundBehind(strangers)).toBe(found);
  });

  test('uses the renewed CA from the moment at which the old certificate expires', () => {
    const [first, second, third] = [day(10), day(20), day(30)];
    const early = root.intermediate({ commonName: 'west', notBefore: first, notAfter: second });
    const late = early.reissue({ notBefore: second, notAfter: third });
    const stores = [
      [root, early, late],
      [root, late, early],
    ].map((cas) => new CertificateStore(cas.map(({ der }) => parseCertificate(der))));
    for (const store of stores) {
      const client = parseCertificate(early.client().der);
      const issuerAt = (at: Date): Buffer | undefined => store.chainOf(client, [], at)?.[1]?.raw;
      expect(issuerAt(second)).toEqual(late.der);
      expect(issuerAt(first)).toEqual(early.der);
      expect(issuerAt(new Date(second.getTime() - 1))).toEqual(early.der);
    }
  });
});
