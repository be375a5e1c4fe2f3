/**
 * The revocation sections of NIST's Public Key Interoperability Test Suite: 4.4
 * (basic revocation), 4.14 (distribution points) and 4.15 (delta CRLs), by the
 * revocation engine alone.
 *
 * @module
 */
import { X509Certificate } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { loadRevocation, type Revocation } from '../../src/revocation-engine.js';
import { type Case, readCases, readMaterial, withPkits } from './pkits.js';

withPkits(() => {
  const cases = readCases('cases.json');

  describe('PKITS', () => {
    test('is there, all three sections of it', () => {
      const sections = cases.map(({ number }) => number.replace(/\.\d+$/, ''));
      const count = (section: string): number => sections.filter((name) => name === section).length;
      expect([count('4.4'), count('4.14'), count('4.15')]).toEqual([21, 35, 10]);
    });

    test.each(cases.map((one) => [one.number, one.title, one.valid ? 'good' : 'not good', one] as const))(
      '%s %s is %s',
      async (_number, _title, _outcome, one) => {
        const { chain, revocation } = await load(one);
        expect(revocation.check(chain).status === 'good').toBe(one.valid);
        // The CAs are configured, so that the leaf is enough.
        expect(revocation.check(chain.slice(0, 1)).status).toBe(revocation.check(chain).status);
      },
    );
  });
});

async function load(one: Case): Promise<{ chain: X509Certificate[]; revocation: Revocation }> {
  const { certificates: ders, crls } = readMaterial(one);
  const revocation = await loadRevocation({ ca: ders.slice(0, -1), crl: crls });
  return { chain: ders.map((der) => new X509Certificate(der)).reverse(), revocation };
}
