/**
 * Whatever the bytes, a reader returns or throws an MtlsError of its own code, soon.
 * `FUZZ_RUNS=100000` searches for minutes; without it, for seconds.
 *
 * @module
 */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { MtlsError, type ErrorCode } from '../../src/errors.js';
import { identityOf } from '../../src/identity/client-identity.js';
import { CrlIndex, packEntries } from '../../src/revocation/crl-index.js';
import { parseCertificate } from '../../src/x509/certificate.js';
import { walkEntries } from '../../src/x509/crl-entry.js';
import { parseCrl } from '../../src/x509/crl.js';
import { DistinguishedName } from '../../src/x509/distinguished-name.js';
import { canonicalGeneralName } from '../../src/x509/general-name.js';
import { toDer } from '../../src/x509/ber.js';
import { kindOfDer } from '../../src/x509/der-kind.js';
import { encryptionOf } from '../../src/x509/encryption-name.js';
import { findFileForm, remedyOf } from '../../src/x509/file-form.js';
import { formatPem, isDer, parsePem, trimDer } from '../../src/x509/pem.js';
import { readTrustedCertificate } from '../../src/x509/trusted-certificate.js';
import { toIndefinite } from '../support/ber.js';
import { attributeTypes, ca, purposes } from '../support/chain.js';
import { element, implicit, oid, sequence } from '../support/der-writer.js';
import { at, bytes, mutations, place, structural } from '../support/mutations.js';
import { startCpuClock } from '../support/cpu-time.js';
import { runs } from '../support/runs.js';

const numRuns = runs(200);
// Generous: what is looked for takes seconds of its own, not a pause of the machine's.
const limitMs = 1000;
const timeout = Math.max(30_000, numRuns * 20);

const root = ca({ commonName: 'root', organization: 'Example' });
const { privateKey } = root;
const certificates = [
  root,
  root.intermediate({ pathLength: 0, crlDistributionPoints: ['http://a.test/a.crl'] }),
  root.client({
    name: [
      [{ oid: attributeTypes.country, type: 'printable', value: 'CZ' }],
      [{ oid: attributeTypes.organization, type: 'bmp', value: 'Příklad' }],
      [
        { oid: attributeTypes.organizationalUnit, type: 'universal', value: 'dev 🐎' },
        { oid: attributeTypes.commonName, type: 'teletex', value: 'Zürich' },
      ],
      [{ oid: attributeTypes.emailAddress, type: 'ia5', value: 'a@b.test' }],
    ],
    sans: {
      dns: ['a.test'],
      email: ['b@c.test'],
      uri: ['spiffe://d.test/e'],
      ip: ['192.0.2.1', '2001:db8::f'],
      upn: ['g@h.test'],
      directoryName: [{ commonName: 'i' }],
    },
    extendedKeyUsage: [purposes.clientAuth, purposes.any],
  }),
  root.client({
    privateKey,
    version: 1,
    serial: Buffer.from('ff01', 'hex'),
    notAfter: new Date('2061-01-01'),
  }),
  ca({ key: 'rsa2048', pss: true }),
].map(({ der }) => der);

const unknown = { oid: '1.2.3.4', critical: true, value: Buffer.from('0500', 'hex') };
const crls = [
  root.crl(),
  root.crl({ version: 1, revoked: certificates.map((_, index) => ({ serial: BigInt(index) })) }),
  root.crl({
    number: 2n ** 100n,
    delta: 7,
    nextUpdate: null,
    idp: { fullName: ['http://a.test'], onlyUser: true, onlySomeReasons: ['keyCompromise'], indirect: true },
    freshest: ['http://a.test/delta'],
    extraExtensions: [unknown],
    revoked: [
      { serial: '0a', reason: 'keyCompromise', invalidityDate: new Date(0), certificateIssuer: root.subject },
      { serial: Buffer.from('ff', 'hex'), reason: 'removeFromCRL', extraExtensions: [unknown] },
      { serial: `7f${'00'.repeat(19)}`, date: new Date('2051-01-01') },
    ],
  }),
].map(({ der }) => der);

const indefinite = [...certificates, ...crls].map((der) => toIndefinite(der));
const pems = [
  ...certificates.map((der) => ({ label: 'CERTIFICATE', der })),
  ...crls.map((der) => ({ label: 'X509 CRL', der })),
].map((block) => Buffer.from(`Some text\n${formatPem(block)}`));
const trusted = Buffer.concat([
  root.der,
  sequence(sequence(oid(purposes.clientAuth)), implicit(0, sequence())),
]);
pems.push(
  Buffer.concat(pems.slice(0, 3)),
  Buffer.from(root.pem.replaceAll('\n', '\r\n')),
  Buffer.from(root.pem.replaceAll('\n', '\r')),
  Buffer.from(`\ufeff${root.pem}-------- my CA --------\n\ufeff${root.pem}----- end -----`),
  Buffer.from(formatPem({ label: 'TRUSTED CERTIFICATE', der: trusted })),
  Buffer.from(
    formatPem({
      label: 'EC PRIVATE KEY',
      headers: 'Proc-Type: 4,ENCRYPTED\nDEK-Info: DES-CBC,00',
      der: Buffer.alloc(100, 7),
    }),
  ),
);

/** Reads all that there is to read of a certificate, as the gate and the log do. */
function readCertificate(bytes: Buffer): void {
  const certificate = parseCertificate(bytes);
  const identity = identityOf(certificate);
  expect(DistinguishedName.parse(identity.issuer.toString()).equals(identity.issuer)).toBe(true);
  expect(identity.serialNumber).toMatch(/^-?[0-9a-f]+$/);
  expect(certificate.subject.canonical).toBe(identity.subject.canonical);
  certificate.subjectAltNames.map(canonicalGeneralName);
  expect(Number.isFinite(certificate.notAfter.getTime())).toBe(true);
}

function readCrl(bytes: Buffer): void {
  const crl = parseCrl(bytes);
  const index = new CrlIndex(packEntries(crl));
  let issuer = crl.issuer;
  let entries = 0;
  walkEntries(crl, (entry) => {
    entries++;
    expect(entry.serialEnd).toBeGreaterThan(entry.serialStart);
    expect(Number.isInteger(entry.revocationDate)).toBe(true);
    issuer = entry.certificateIssuer ?? issuer;
    const serial = bytes.subarray(entry.serialStart, entry.serialEnd);
    expect(index.find(serial, issuer.equals(crl.issuer) ? undefined : issuer)).toBeDefined();
  });
  expect(entries).toBe(crl.entryCount);
  crl.issuer.toString();
}

function readPem(bytes: Buffer): void {
  const blocks = parsePem(bytes, 'file');
  expect(blocks.length).toBeGreaterThan(0);
  // What was understood is a file that is understood the same way.
  const again = parsePem(Buffer.from(blocks.map(formatPem).join('')), 'file');
  expect(again.map(({ label }) => label)).toEqual(blocks.map(({ label }) => label));
  expect(again.every(({ der }, index) => blocks[index]?.der.equals(der))).toBe(true);
}

function readTrusted(bytes: Buffer): void {
  const { certificate } = readTrustedCertificate(bytes);
  expect(bytes.subarray(0, certificate.length).equals(certificate)).toBe(true);
}

/** What is asked about bytes that may be anything. None of it throws. */
function tellForm(bytes: Buffer): void {
  const form = findFileForm(bytes);
  if (form !== undefined) expect(form.seen + remedyOf(form)).not.toContain('\n');
  expect(bytes.subarray(0, trimDer(bytes).length).equals(trimDer(bytes))).toBe(true);
  kindOfDer(bytes);
  encryptionOf(bytes);
  const der = toDer(bytes);
  // What became DER is DER.
  if (der !== undefined) expect(toDer(der)?.equals(der)).toBe(true);
}

const readers: [name: string, read: (bytes: Buffer) => void, code: ErrorCode, samples: Buffer[]][] = [
  ['parseCertificate', readCertificate, 'ERR_MTLS_CERTIFICATE_INVALID', certificates],
  ['parseCrl', readCrl, 'ERR_MTLS_CRL_INVALID', crls],
  ['parsePem', readPem, 'ERR_MTLS_PEM_INVALID', pems],
  ['readTrustedCertificate', readTrusted, 'ERR_MTLS_PEM_INVALID', [trusted, root.der]],
  ['what tells forms and kinds', tellForm, 'ERR_MTLS_PEM_INVALID', [...pems, trusted, ...indefinite]],
];

/** Whether `read` took the bytes. Any other outcome than this or an MtlsError of `code` fails the test. */
function accepts(read: (bytes: Buffer) => void, code: ErrorCode, input: Buffer): boolean {
  const cpuTime = startCpuClock();
  const accepted = returns(read, code, input);
  const elapsed = cpuTime();
  if (elapsed > limitMs) throw new Error(`took ${elapsed} ms for ${input.length} bytes`);
  return accepted;
}

function returns(read: (bytes: Buffer) => void, code: ErrorCode, input: Buffer): boolean {
  try {
    read(input);
    return true;
  } catch (error) {
    if (error instanceof MtlsError && error.code === code) return false;
    throw error;
  }
}

describe.each(readers)('%s', (_name, read, code, samples) => {
  test('takes every sample as it is', () => {
    for (const sample of samples) expect(accepts(read, code, sample)).toBe(true);
  });

  test(
    'returns or refuses any bytes',
    () => {
      fc.assert(
        fc.property(bytes(300), (input) => {
          accepts(read, code, input);
        }),
        { numRuns },
      );
    },
    timeout,
  );

  test(
    'returns or refuses what is left of a sample after changes',
    () => {
      const mutated = fc
        .tuple(fc.constantFrom(...samples), mutations)
        .map(([sample, changes]) => changes.reduce((input, change) => change(input), sample));
      fc.assert(
        fc.property(mutated, (input) => {
          accepts(read, code, input);
        }),
        { numRuns },
      );
    },
    timeout,
  );

  test(
    'returns or refuses two samples spliced',
    () => {
      const spliced = fc
        .tuple(fc.constantFrom(...samples), place, fc.constantFrom(...samples), place)
        .map(([left, cut, right, from]) =>
          Buffer.concat([left.subarray(0, at(left, cut)), right.subarray(at(right, from))]),
        );
      fc.assert(
        fc.property(spliced, (input) => {
          accepts(read, code, input);
        }),
        { numRuns },
      );
    },
    timeout,
  );
});

test('changes that keep the structure reach what lies behind it: some are accepted, some refused', () => {
  const outcomes = { accepted: 0, refused: 0 };
  const cases = fc.sample(fc.tuple(fc.constantFrom(...certificates), structural), { numRuns: 1000, seed: 1 });
  for (const [sample, change] of cases) {
    const accepted = accepts(readCertificate, 'ERR_MTLS_CERTIFICATE_INVALID', change(sample));
    outcomes[accepted ? 'accepted' : 'refused']++;
  }
  expect(outcomes.accepted).toBeGreaterThan(50);
  expect(outcomes.refused).toBeGreaterThan(200);
});

describe('time and memory stay in proportion to the bytes', () => {
  test.each<[string, () => Buffer]>([
    [
      'two thousand levels of SEQUENCE',
      () => Array.from({ length: 2000 }).reduce<Buffer>((inner) => element(0x30, inner), Buffer.alloc(0)),
    ],
    [
      'a subject of 20,000 attributes',
      () =>
        root.client({
          privateKey,
          name: Array.from({ length: 20_000 }, (_, index) => [
            { oid: attributeTypes.organizationalUnit, type: 'utf8', value: String(index) } as const,
          ]),
        }).der,
    ],
    [
      'one RDN of 20,000 attributes',
      () =>
        root.client({
          privateKey,
          name: [
            Array.from(
              { length: 20_000 },
              (_, index) =>
                ({ oid: attributeTypes.organizationalUnit, type: 'utf8', value: String(index) }) as const,
            ),
          ],
        }).der,
    ],
    [
      'a commonName of a million characters',
      () => root.client({ privateKey, commonName: 'x'.repeat(1_000_000) }).der,
    ],
    [
      'a commonName of a million spaces',
      () => root.client({ privateKey, commonName: `a${' '.repeat(1_000_000)}b` }).der,
    ],
    [
      'a commonName of 200,000 controls',
      () => root.client({ privateKey, commonName: '\u0001'.repeat(200_000) }).der,
    ],
    [
      'a UniversalString of a hundred thousand NULs',
      () =>
        root.client({
          privateKey,
          name: [[{ oid: attributeTypes.commonName, type: 'universal', value: Buffer.alloc(400_000) }]],
        }).der,
    ],
    [
      'twenty thousand DNS names',
      () =>
        root.client({
          privateKey,
          sans: { dns: Array.from({ length: 20_000 }, (_, index) => `${index}.test`) },
        }).der,
    ],
    [
      'twenty thousand purposes',
      () =>
        root.client({
          privateKey,
          extendedKeyUsage: Array.from({ length: 20_000 }, () => purposes.clientAuth),
        }).der,
    ],
    [
      'an OID of a hundred thousand arcs',
      () =>
        root.client({
          privateKey,
          extraExtensions: [{ oid: `1.2${'.3'.repeat(100_000)}`, value: Buffer.alloc(0) }],
        }).der,
    ],
    [
      'a serial number of 100,000 bytes',
      () => root.client({ privateKey, serial: Buffer.alloc(100_000, 0x55) }).der,
    ],
  ])('%s', (_name, make) => {
    const input = make();
    const cpuTime = startCpuClock();
    try {
      const certificate = parseCertificate(input);
      const identity = identityOf(certificate);
      expect(`${identity.subject.canonical}${identity.subject.toString()}`.length).toBeLessThan(
        20 * input.length,
      );
    } catch (error) {
      expect(error).toMatchObject({ code: 'ERR_MTLS_CERTIFICATE_INVALID' });
    }
    expect(cpuTime()).toBeLessThan(3000);
  });

  test('a PEM file of ten megabytes, whole or damaged at its end', () => {
    const file = Buffer.from(formatPem({ label: 'X509 CRL', der: Buffer.alloc(7_500_000, 0x55) }));
    const cpuTime = startCpuClock();
    expect(parsePem(file, 'file')).toHaveLength(1);
    expect(accepts(readPem, 'ERR_MTLS_PEM_INVALID', file.subarray(0, -1000))).toBe(false);
    expect(isDer(file)).toBe(false);
    expect(cpuTime()).toBeLessThan(3000);
  });

  test('a megabyte of BEGIN lines', () => {
    const begin = Buffer.from('-----BEGIN A-----\n'.repeat(60_000));
    expect(accepts(readPem, 'ERR_MTLS_PEM_INVALID', begin)).toBe(false);
  });
});
