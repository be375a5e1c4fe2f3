/**
 * Which critical extensions keep a CRL from being used: OpenSSL and this package say
 * the same, so that a short list, which OpenSSL checks too, and a long one, which it
 * does not, have one answer.
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import { describe, expect, test } from '@jest/globals';
import { MtlsError } from '../../src/errors.js';
import { verifyCrl } from '../../src/revocation/verify-crl.js';
import { parseCertificate } from '../../src/x509/certificate.js';
import { CertificateStore } from '../../src/x509/certificate-store.js';
import { parseCrl } from '../../src/x509/crl.js';
import { ca } from '../support/chain.js';
import type { CrlOptions, RevokedEntry } from '../support/crl.js';
import {
  element,
  enumerated,
  explicit,
  generalizedTime,
  integer,
  oid,
  sequence,
} from '../support/der-writer.js';
import { directoryName, uriName } from '../support/names.js';
import { temporaryDirectory, writeMaterial } from '../support/files.js';
import { testWithOpenssl } from '../support/openssl.js';

const root = ca('root');
const client = root.client({ serial: 1n });
const store = new CertificateStore([parseCertificate(root.der)]);

/** What openssl says of a client that no list names. */
function opensslAccepts(crl: string): boolean {
  const files = writeMaterial(temporaryDirectory(), {
    'ca.pem': root.pem,
    'crl.pem': crl,
    'client.pem': client.pem,
  });
  const { stdout, stderr } = spawnSync(
    'openssl',
    [
      'verify',
      '-crl_check',
      '-extended_crl',
      '-CAfile',
      files['ca.pem'],
      '-CRLfile',
      files['crl.pem'],
      files['client.pem'],
    ],
    { encoding: 'utf8' },
  );
  const said = stdout + stderr;
  if (said.includes('client.pem: OK')) return true;
  expect(said).toContain('unhandled critical CRL extension');
  return false;
}

function weAccept(der: Buffer): boolean {
  try {
    verifyCrl(parseCrl(der), { store, weakSignature: 'deny', origin: 'crl.pem' });
    return true;
  } catch (error) {
    if (error instanceof MtlsError && error.code === 'ERR_MTLS_CRL_UNSUPPORTED') return false;
    throw error;
  }
}

const points = sequence(sequence(explicit(0, element(0xa0, uriName('http://a.test')))));
/** Every extension of a CRL in RFC 5280 section 5.2, and some that are none. */
const ofLists: [name: string, type: string, value: Buffer, others?: CrlOptions][] = [
  ['authorityKeyIdentifier', '2.5.29.35', sequence(element(0x80, root.keyId)), { authorityKeyId: false }],
  ['issuerAltName', '2.5.29.18', sequence(uriName('http://a.test'))],
  ['cRLNumber', '2.5.29.20', integer(5), { number: null }],
  // With onlyContainsUserCerts, under which a client is in its scope.
  ['issuingDistributionPoint', '2.5.29.28', sequence(element(0x81, Buffer.from([0xff])))],
  ['freshestCRL', '2.5.29.46', points],
  [
    'authorityInfoAccess',
    '1.3.6.1.5.5.7.1.1',
    sequence(sequence(oid('1.3.6.1.5.5.7.48.2'), uriName('http://a.test'))),
  ],
  ['an extension of certificates', '2.5.29.19', sequence()],
  ['an unknown extension', '1.3.6.1.4.1.99999.1', integer(1)],
];
/** Every extension of an entry in section 5.3. */
const ofEntries: [name: string, type: string, value: Buffer, others?: CrlOptions][] = [
  ['reasonCode', '2.5.29.21', enumerated(1)],
  ['invalidityDate', '2.5.29.24', generalizedTime(new Date(0))],
  ['certificateIssuer', '2.5.29.29', sequence(directoryName(root.subject)), { idp: { indirect: true } }],
  ['holdInstructionCode', '2.5.29.23', oid('1.2.840.10040.2.1')],
  ['an unknown extension', '1.3.6.1.4.1.99999.1', integer(1)],
];

const lengths = [
  ['one entry', 1],
  ['1,001 entries', 1001],
] as const;

/** Lists of both lengths, of which the last entry may have extensions. */
function listOf(
  length: number,
  options: CrlOptions,
  last: Omit<RevokedEntry, 'serial'> = {},
): { der: Buffer; pem: string } {
  const revoked = Array.from({ length }, (_, index) => ({
    serial: BigInt(index + 1000),
    ...(index === length - 1 ? last : {}),
  }));
  return root.crl({ ...options, revoked });
}

describe.each(lengths)('a list of %s with a critical extension', (_what, length) => {
  testWithOpenssl.each(ofLists)('%s is used by both or by neither', (_name, type, value, others = {}) => {
    for (const critical of [true, false]) {
      const { der, pem } = listOf(length, { ...others, extraExtensions: [{ oid: type, critical, value }] });
      const expected = !critical || ['2.5.29.28', '2.5.29.35'].includes(type);
      expect([critical, weAccept(der), opensslAccepts(pem)]).toEqual([critical, expected, expected]);
    }
  });

  testWithOpenssl.each(ofEntries)(
    '%s of an entry is used by both or by neither',
    (_name, type, value, others = {}) => {
      for (const critical of [true, false]) {
        const { der, pem } = listOf(length, others, { extraExtensions: [{ oid: type, critical, value }] });
        const expected = !critical || type === '2.5.29.29';
        expect([critical, weAccept(der), opensslAccepts(pem)]).toEqual([critical, expected, expected]);
      }
    },
  );
});

test('a delta is what its critical extension says', () => {
  const { der } = root.crl({ number: 2, delta: 1 });
  expect(parseCrl(der)).toMatchObject({ deltaBase: 1n, unknownCriticalExtensions: [] });
  expect(weAccept(der)).toBe(true);
});
