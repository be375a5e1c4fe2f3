/**
 * The revocation sections of NIST's Public Key Interoperability Test Suite: 4.4
 * (basic revocation), 4.14 (distribution points) and 4.15 (delta CRLs). The data
 * is published by NIST and is no part of this package; PKITS_DIR says where it is:
 * `cases.json`, `certs/NAME.crt` and `crls/NAME.crl`.
 *
 * @module
 */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { loadRevocation, type Revocation } from '../../src/revocation-engine.js';

interface Case {
  /** `'4.14.3'`. */
  readonly number: string;
  readonly title: string;
  /** From the trust anchor to the end entity. */
  readonly certificates: readonly string[];
  readonly crls: readonly string[];
  readonly valid: boolean;
}

const directory = process.env['PKITS_DIR'] ?? '';
const leftOut =
  'PKITS is left out: set PKITS_DIR to a folder with NIST’s Public Key Interoperability Test Suite, sections 4.4, 4.14 and 4.15; NIST publishes it at https://csrc.nist.gov/projects/pki-testing';

if (directory === '' && process.env['CI'] === 'true') {
  test('finds PKITS', () => {
    throw new Error(leftOut);
  });
} else if (directory === '') {
  process.stderr.write(`${leftOut}\n`);
  test.skip('without PKITS_DIR the 66 tests of PKITS are left out', () => {});
} else {
  const cases = JSON.parse(readFileSync(join(directory, 'cases.json'), 'utf8')) as Case[];

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
}

async function load({
  certificates,
  crls,
}: Case): Promise<{ chain: X509Certificate[]; revocation: Revocation }> {
  const ders = certificates.map((name) => readFileSync(join(directory, 'certs', `${name}.crt`)));
  const lists = crls.map((name) => readFileSync(join(directory, 'crls', `${name}.crl`)));
  const revocation = await loadRevocation({ ca: ders.slice(0, -1), crl: lists });
  return { chain: ders.map((der) => new X509Certificate(der)).reverse(), revocation };
}
