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
import { parseCertificate } from '../../src/x509/certificate.js';
import { walkEntries } from '../../src/x509/crl-entry.js';
import { parseCrl } from '../../src/x509/crl.js';
import { DistinguishedName } from '../../src/x509/distinguished-name.js';
import { canonicalGeneralName } from '../../src/x509/general-name.js';
import { formatPem, isDer, parsePem } from '../../src/x509/pem.js';
import { attributeTypes, ca, purposes } from '../support/chain.js';
import { element } from '../support/der-writer.js';

const numRuns = Number(process.env['FUZZ_RUNS'] ?? 1000);
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

const pems = [
  ...certificates.map((der) => ({ label: 'CERTIFICATE', der })),
  ...crls.map((der) => ({ label: 'X509 CRL', der })),
].map((block) => Buffer.from(`Some text\n${formatPem(block)}`));
pems.push(Buffer.concat(pems.slice(0, 3)), Buffer.from(root.pem.replaceAll('\n', '\r\n')));

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
  let entries = 0;
  walkEntries(crl, (entry) => {
    entries++;
    expect(entry.serialEnd).toBeGreaterThan(entry.serialStart);
    expect(Number.isInteger(entry.revocationDate)).toBe(true);
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

const readers: [name: string, read: (bytes: Buffer) => void, code: ErrorCode, samples: Buffer[]][] = [
  ['parseCertificate', readCertificate, 'ERR_MTLS_CERTIFICATE_INVALID', certificates],
  ['parseCrl', readCrl, 'ERR_MTLS_CRL_INVALID', crls],
  ['parsePem', readPem, 'ERR_MTLS_PEM_INVALID', pems],
];

/** Whether `read` took the bytes. Any other outcome than this or an MtlsError of `code` fails the test. */
function accepts(read: (bytes: Buffer) => void, code: ErrorCode, input: Buffer): boolean {
  const start = performance.now();
  const accepted = returns(read, code, input);
  const elapsed = performance.now() - start;
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

const bytes = (maxLength: number): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ maxLength, size: 'max' }).map((array) => Buffer.from(array));
// fc.double() would be uniform over the doubles, of which nearly all are next to zero.
const place = fc.nat(0xffff_ffff).map((value) => value / 2 ** 32);

type Mutation = (input: Buffer) => Buffer;
const at = (input: Buffer, where: number): number => Math.floor(where * input.length);
const patched = (input: Buffer, index: number, octet: number): Buffer => {
  const copy = Buffer.from(input);
  if (index < copy.length) copy[index] = octet;
  return copy;
};

const bitFlip = fc.tuple(place, fc.nat(7)).map(
  ([where, bit]): Mutation =>
    (input) =>
      patched(input, at(input, where), (input[at(input, where)] ?? 0) ^ (1 << bit)),
);
const truncation = place.map(
  (where): Mutation =>
    (input) =>
      input.subarray(0, at(input, where)),
);
const extension = bytes(8).map(
  (tail): Mutation =>
    (input) =>
      Buffer.concat([input, tail]),
);
const insertion = fc.tuple(place, bytes(8)).map(
  ([where, what]): Mutation =>
    (input) =>
      Buffer.concat([input.subarray(0, at(input, where)), what, input.subarray(at(input, where))]),
);
const removal = fc.tuple(place, fc.integer({ min: 1, max: 40 })).map(
  ([where, length]): Mutation =>
    (input) =>
      Buffer.concat([input.subarray(0, at(input, where)), input.subarray(at(input, where) + length)]),
);
/** Overwrites a byte with one that matters: a length, a tag, a character of PEM. */
const special = fc
  .tuple(
    place,
    fc.constantFrom(
      0,
      1,
      0x7f,
      0x80,
      0x81,
      0x82,
      0x84,
      0x85,
      0xff,
      0x30,
      0x31,
      0xa0,
      0x06,
      0x0c,
      0x1e,
      0x2d,
      0x3d,
      0x0a,
    ),
  )
  .map(
    ([where, octet]): Mutation =>
      (input) =>
        patched(input, at(input, where), octet),
  );

/** Where the elements of `input` stand, so that a change can reach what a reader would only skip. */
function elementsOf(
  input: Buffer,
  start = 0,
  end = input.length,
  into: [start: number, content: number, end: number][] = [],
): typeof into {
  for (let offset = start; offset + 2 <= end;) {
    const tag = input[offset] ?? 0;
    let length = input[offset + 1] ?? 0;
    let content = offset + 2;
    if (length > 0x80 && length <= 0x84) {
      const octets = length & 0x7f;
      if (content + octets > end) break;
      length = input.readUIntBE(content, octets);
      content += octets;
    } else if (length >= 0x80) break;
    if (content + length > end) break;
    into.push([offset, content, content + length]);
    // Into constructed ones, and into the OCTET STRINGs of extensions.
    if ((tag & 0x20) !== 0 || tag === 0x04) elementsOf(input, content, content + length, into);
    offset = content + length;
  }
  return into;
}

/** Writes one element anew and corrects the lengths of all those around it: what is left is DER. */
function replaceElement(input: Buffer, where: number, change: (element: Buffer) => Buffer): Buffer {
  const elements = elementsOf(input);
  const target = elements[Math.floor(where * elements.length)];
  if (target === undefined) return input;
  let [start, , end] = target;
  let replacement = change(input.subarray(start, end));
  const around = elements.filter(
    (outer) => outer[1] <= target[0] && outer[2] >= target[2] && outer !== target,
  );
  for (const [outerStart, outerContent, outerEnd] of around.reverse()) {
    const content = Buffer.concat([
      input.subarray(outerContent, start),
      replacement,
      input.subarray(end, outerEnd),
    ]);
    replacement = element(input[outerStart] ?? 0, content);
    [start, end] = [outerStart, outerEnd];
  }
  return Buffer.concat([input.subarray(0, start), replacement, input.subarray(end)]);
}

const structural = fc
  .tuple(
    place,
    fc.oneof(
      fc.constant(() => Buffer.alloc(0)),
      fc.constant((old: Buffer) => Buffer.concat([old, old])),
      fc.nat(255).map((tag) => (old: Buffer) => Buffer.concat([Buffer.from([tag]), old.subarray(1)])),
      bytes(12).map((content) => (old: Buffer) => element(old[0] ?? 0, content)),
      fc
        .tuple(
          fc.constantFrom(
            0x02,
            0x03,
            0x05,
            0x06,
            0x0c,
            0x13,
            0x14,
            0x16,
            0x17,
            0x18,
            0x1c,
            0x1e,
            0x30,
            0x31,
            0x80,
            0xa0,
          ),
          bytes(16),
        )
        .map(
          ([tag, content]) =>
            () =>
              element(tag, content),
        ),
      fc.constant((old: Buffer) => element(old[0] ?? 0, old)),
    ),
  )
  .map(
    ([where, change]): Mutation =>
      (input) =>
        replaceElement(input, where, change),
  );

const mutations = fc.array(
  fc.oneof(bitFlip, truncation, extension, insertion, removal, special, { arbitrary: structural, weight: 6 }),
  { minLength: 1, maxLength: 4 },
);

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
    const start = performance.now();
    try {
      const certificate = parseCertificate(input);
      const identity = identityOf(certificate);
      expect(`${identity.subject.canonical}${identity.subject.toString()}`.length).toBeLessThan(
        20 * input.length,
      );
    } catch (error) {
      expect(error).toMatchObject({ code: 'ERR_MTLS_CERTIFICATE_INVALID' });
    }
    expect(performance.now() - start).toBeLessThan(3000);
  });

  test('a PEM file of ten megabytes, whole or damaged at its end', () => {
    const file = Buffer.from(formatPem({ label: 'X509 CRL', der: Buffer.alloc(7_500_000, 0x55) }));
    const start = performance.now();
    expect(parsePem(file, 'file')).toHaveLength(1);
    expect(accepts(readPem, 'ERR_MTLS_PEM_INVALID', file.subarray(0, -1000))).toBe(false);
    expect(isDer(file)).toBe(false);
    expect(performance.now() - start).toBeLessThan(3000);
  });

  test('a megabyte of BEGIN lines', () => {
    const begin = Buffer.from('-----BEGIN A-----\n'.repeat(60_000));
    expect(accepts(readPem, 'ERR_MTLS_PEM_INVALID', begin)).toBe(false);
  });
});
