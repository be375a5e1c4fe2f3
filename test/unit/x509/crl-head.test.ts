import { describe, expect, test } from '@jest/globals';
import { packHead, unpackHead } from '../../../src/x509/crl-head.js';
import { parseCrl } from '../../../src/x509/crl.js';
import { ca } from '../../support/chain.js';
import type { CrlOptions } from '../../support/crl.js';

const root = ca({ commonName: 'root', organization: 'Example' });

describe('the head of a CRL', () => {
  test.each<[string, CrlOptions]>([
    ['with a scope', { number: 7, idp: { onlyUser: true, indirect: true }, revoked: [{ serial: '0a' }] }],
    ['without a scope', { number: 7 }],
    ['of a delta', { number: 7, delta: 5 }],
    ['of which nearly everything is left out', { version: 1, nextUpdate: null }],
  ])('%s is the same after it went from one thread to another', (_what, options) => {
    const { raw, entries, signed, freshestCrl, ...head } = parseCrl(root.crl(options).der);
    expect([raw, entries, signed, freshestCrl]).not.toContain(undefined);
    const moved = unpackHead(structuredClone(packHead(head)));
    expect({ ...moved, issuer: moved.issuer.toString() }).toEqual({
      ...head,
      issuer: head.issuer.toString(),
    });
    expect(moved.issuer.equals(head.issuer)).toBe(true);
    expect(Object.isFrozen(moved)).toBe(true);
  });

  test('does not keep the bytes of its CRL', () => {
    const { der } = root.crl({ idp: { onlyUser: true } });
    const packed = packHead(parseCrl(der));
    expect(packed.issuer.buffer.byteLength).toBe(packed.issuer.length);
    expect(packed.issuingDistributionPoint?.buffer).not.toBe(der.buffer);
    expect(packHead(parseCrl(root.crl().der)).issuingDistributionPoint).toBeUndefined();
  });
});
