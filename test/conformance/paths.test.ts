/**
 * NIST's Public Key Interoperability Test Suite, sections 4.1 to 4.16: certification
 * paths, by the judgement that the gate, `explain`, `doctor` and `inspect` share.
 *
 * @module
 */
import { describe, expect, test } from '@jest/globals';
import { identityOf } from '../../src/identity/client-identity.js';
import { checkCertificatePolicy } from '../../src/judgement/certificate-policy.js';
import { createJudge, type Verdict } from '../../src/judgement/judges.js';
import { RevocationChecker } from '../../src/revocation/revocation-checker.js';
import { checkRevocationPolicy } from '../../src/revocation/revocation-policy.js';
import {
  digestOf,
  packCrl,
  readSignedCrl,
  unpackCrl,
  type VerifiedCrl,
} from '../../src/revocation/verified-crl.js';
import { CertificateStore } from '../../src/x509/certificate-store.js';
import { parseCertificate } from '../../src/x509/certificate.js';
import { MtlsError } from '../../src/errors.js';
import { type Case, readCases, readMaterial, withPkits } from './pkits.js';

/** Valid paths that are refused by design. */
const differences: Readonly<Record<string, string>> = {
  '4.1.4': 'DSA is not supported',
  '4.1.5': 'DSA is not supported',
};

withPkits(() => {
  const cases = readCases('paths.json');

  test('PKITS is there, all 247 subtests', () => {
    expect(cases).toHaveLength(247);
  });

  describe('the path of PKITS', () => {
    test.each(cases.map((one) => [one.number, one.title, one.valid ? 'valid' : 'invalid', one] as const))(
      '%s %s is %s',
      (number, _title, _outcome, one) => {
        expect(verdictOn(one).admitted).toBe(one.valid && differences[number] === undefined);
      },
    );
  });

  test('each difference is one: the path is valid, and refused', () => {
    for (const [number, reason] of Object.entries(differences)) {
      const one = cases.find((each) => each.number === number);
      expect([reason, one?.valid, one && verdictOn(one).admitted]).toEqual([reason, true, false]);
    }
  });
});

const refused: Verdict['admitted'] = false;

/** What is not read, a server would not start with. */
function verdictOn(one: Case): { readonly admitted: boolean } {
  const { certificates, crls } = readMaterial(one);
  try {
    const [leaf, ...above] = certificates.map((der) => parseCertificate(der)).reverse();
    if (leaf === undefined) throw new Error('no certificate');
    const store = new CertificateStore(above);
    const policy = checkRevocationPolicy();
    const revocation = new RevocationChecker(
      crls.flatMap((der) => readCrl(der, store)),
      store,
      policy,
    );
    // The suite is of 2011: its leaves have no extendedKeyUsage, and some are those of CAs.
    const measures = checkCertificatePolicy({
      missingUsage: 'allow',
      authority: 'allow',
      version1: 'allow',
      ...(one.inputs && { policies: one.inputs }),
    });
    const peer = { certificate: leaf, identity: identityOf(leaf), others: [] };
    return createJudge({ store, revocation }, measures).verdictOn(peer, 'not-asked', new Date());
  } catch (error) {
    if (error instanceof MtlsError) return { admitted: refused };
    throw error;
  }
}

/** One that does not verify is not loaded. */
function readCrl(der: Buffer, store: CertificateStore): VerifiedCrl[] {
  try {
    const signed = readSignedCrl(
      { der, origin: 'PKITS', digest: digestOf(der) },
      store,
      checkRevocationPolicy(),
    );
    return [unpackCrl(packCrl(signed, { keepEntries: 0, seed: undefined }), store, new Date())];
  } catch (error) {
    if (error instanceof MtlsError) return [];
    throw error;
  }
}
