/**
 * `express-mtls inspect`, of files.
 *
 * @module
 */
import { createPublicKey } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { ca, purposes, selfSigned, type CertificateOptions } from '../../support/chain.js';
import { runCommand, type CommandResult } from '../../support/command.js';
import type { CrlOptions } from '../../support/crl.js';
import { element } from '../../support/der-writer.js';
import { temporaryDirectory, writeMaterial } from '../../support/files.js';
import { integer, octetString, oid, sequence } from '../../support/der-writer.js';
import { formatPem } from '../../../src/x509/pem.js';
import { certificateRequest } from '../../support/request.js';
import { generateKey } from '../../support/signing.js';

const directory = temporaryDirectory();
const root = ca({ commonName: 'root', organization: 'Example' });
const client = root.client({ commonName: 'client1', serial: '1001', sans: { email: ['a@b.test'] } });
const server = root.server();
const day = 86_400_000;

let written = 0;

/** Writes files, each under its own name in a folder of this call, and inspects them there. */
async function inspect(
  files: Readonly<Record<string, string | Buffer>>,
  ...options: string[]
): Promise<CommandResult> {
  const paths = Object.values(writeMaterial(directory, numbered(files)));
  const result = await runCommand(['inspect', ...paths, ...options]);
  const strip = (text: string): string => text.replaceAll(`${directory}/${written}-`, '');
  return { ...result, out: strip(result.out), err: strip(result.err) };
}

function numbered(files: Readonly<Record<string, string | Buffer>>): Record<string, string | Buffer> {
  written++;
  return Object.fromEntries(Object.entries(files).map(([name, content]) => [`${written}-${name}`, content]));
}

interface Item {
  readonly type: string;
  readonly refusals?: readonly { readonly reason: string; readonly detail: string }[];
  readonly notes: readonly string[];
  readonly [key: string]: unknown;
}

async function itemsOf(
  files: Readonly<Record<string, string | Buffer>>,
  ...options: string[]
): Promise<readonly Item[]> {
  const { out } = await inspect(files, ...options, '--json');
  const data = JSON.parse(out) as { items: Item[] } | { items: Item[] }[];
  return [data].flat().flatMap(({ items }) => items);
}

describe('a client certificate', () => {
  test('is described, with the statement that it would be admitted', async () => {
    const files = { 'a.pem': client.pem, 'b.pem': root.pem, 'c.pem': root.crl().pem };
    const { code, out, err } = await inspect(files);
    expect({ code, err }).toStrictEqual({ code: 0, err: '' });
    const [first] = out.split('\n\n');
    expect(first?.replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g, 'DATE')).toBe(
      [
        'a.pem: client certificate',
        '  Subject      CN=client1',
        '  Issued by    CN=root,O=Example (b.pem)',
        '  Valid from   DATE UTC (5 minutes ago)',
        '  Valid until  DATE UTC (in 24 hours)',
        '  Names        email a@b.test',
        '  For          clients (clientAuth)',
        '  Key usage    digitalSignature',
        '  Key          EC, 256 bits',
        '  Revoked      not by c.pem',
        '  Signature    ECDSA with SHA-256',
        '  Serial       1001',
        `  SHA-256      ${client.x509.fingerprint256}`,
        '  Would be admitted as a client, by a server that trusts its CA.',
      ].join('\n'),
    );
  });

  test('shows a name that is not in the encoding of its type, which is no reason to refuse it', async () => {
    // The builder writes Latin-1 here.
    const latin1 = root.client({
      sans: { email: ['jürgen@a.test'], raw: [element(0x86, Buffer.from('urn:ü'))] },
    });
    const { code, out } = await inspect({ 'a.pem': latin1.pem, 'b.pem': root.pem });
    expect(code).toBe(0);
    expect(out).toContain('email not in the encoding of its type, so no rule matches it: jürgen@a.test');
    expect(out).toContain('URI not in the encoding of its type, so no rule matches it: urn:ü');
    expect(out).toContain('Would not be refused as a client');
  });

  test('that cannot be parsed is reported with its position in the bundle and the field', async () => {
    const name = [[{ oid: '2.5.4.3', type: 'printable', value: Buffer.from('Mobilität') } as const]];
    const { code, err } = await inspect({ 'a.pem': client.pem + root.client({ name }).pem });
    expect(code).not.toBe(0);
    expect(err).toMatch(
      /a\.pem: number 2 of 2: certificate has the octet 0xc3 in a PrintableString, .+it is UTF-8, .+, in the commonName of the subject; /,
    );
  });

  test('is told as JSON', async () => {
    const { out } = await inspect({ 'a.der': client.der }, '--json');
    expect(JSON.parse(out)).toStrictEqual({
      input: expect.stringMatching(/a\.der$/),
      items: [
        {
          type: 'certificate',
          origin: expect.stringMatching(/a\.der$/),
          title: 'client certificate',
          version: 3,
          subject: 'CN=client1',
          commonNames: ['client1'],
          issuer: 'CN=root,O=Example',
          serialNumber: '1001',
          fingerprint256: client.x509.fingerprint256,
          notBefore: client.notBefore.toISOString(),
          notAfter: client.notAfter.toISOString(),
          isCa: false,
          subjectAltNames: {
            dns: [],
            email: ['a@b.test'],
            uri: [],
            ip: [],
            upn: [],
            directoryName: [],
          },
          extendedKeyUsage: [purposes.clientAuth],
          keyUsage: ['digitalSignature'],
          key: { algorithm: 'ec', bits: 256 },
          privateKeys: [],
          signatureAlgorithm: 'ECDSA with SHA-256',
          unknownCriticalExtensions: [],
          revocation: { checked: false, casWithoutCrl: ['CN=root,O=Example'] },
          notes: [],
          judgedAs: 'a client certificate',
          refusals: [],
        },
      ],
    });
  });

  test.each<[string, CertificateOptions, string, RegExp]>([
    ['that has expired', { notAfter: new Date(Date.now() - day) }, 'expired', /expired at/],
    [
      'that is not valid yet',
      { notBefore: new Date(Date.now() + day / 2) },
      'not-yet-valid',
      /not valid before/,
    ],
    ['without a purpose', { extendedKeyUsage: null }, 'wrong-purpose', /no extendedKeyUsage/],
    ['for signing programs', { extendedKeyUsage: [purposes.codeSigning] }, 'wrong-purpose', /issue it with/],
    ['with a short key', { key: 'rsa1024' }, 'weak-key', /1024 bits/],
    ['of version 1', { version: 1 }, 'wrong-purpose', /version 1/],
    ['signed with SHA-1', { hash: 'sha1' }, 'weak-signature', /SHA-1/],
    ['with a negative number', { serial: Buffer.from('ff01', 'hex') }, 'identity-invalid', /negative/],
    [
      'with an unknown critical extension',
      { extraExtensions: [{ oid: '1.2.3.4', critical: true, value: Buffer.from('0500', 'hex') }] },
      'unsupported-extension',
      /critical extension 1\.2\.3\.4/,
    ],
  ])('%s would be refused, with the reason, and exit code 1', async (_what, options, reason, detail) => {
    const { code, out } = await inspect({ 'a.pem': root.client(options).pem });
    expect(code).toBe(1);
    const refusals = /\n {2}Would be refused as a client certificate:\n((?: {4}- .*\n)+)$/.exec(out)?.[1];
    expect(refusals).toMatch(new RegExp(`^ {4}- ${reason}: `));
    expect(refusals).toMatch(detail);
  });

  test('every reason is reported, not only the first', async () => {
    const [item] = await itemsOf({
      'a.pem': root.client({ notAfter: new Date(Date.now() - day), extendedKeyUsage: null, hash: 'sha1' })
        .pem,
    });
    expect(item?.refusals?.map(({ reason }) => reason)).toStrictEqual([
      'expired',
      'weak-signature',
      'wrong-purpose',
    ]);
  });

  test('with two commonNames would be admitted, with the note that no rule by commonName matches it', async () => {
    const { code, out } = await inspect({ 'a.pem': root.client({ commonName: ['a', 'b'] }).pem });
    expect(code).toBe(0);
    expect(out).toContain('  Note: it has 2 commonNames, so no rule by commonName matches it');
  });

  test('a supported critical extension is no reason to refuse it', async () => {
    const value = sequence(sequence(oid('1.2.3')));
    const extraExtensions = [{ oid: '2.5.29.32', critical: true, value }];
    expect((await inspect({ 'a.pem': root.client({ extraExtensions }).pem })).code).toBe(0);
  });

  test('is checked against the given CAs', async () => {
    const { ca: file } = writeMaterial(directory, { ca: root.pem });
    const good = await inspect({ 'a.pem': client.pem, 'b.pem': root.crl().pem }, '--ca', file);
    expect(good.code).toBe(0);
    expect(good.out).toContain('  Would be admitted as a client.\n');
    const [stranger] = await itemsOf({ 'a.pem': selfSigned('x').pem }, '--ca', file);
    expect(stranger).toMatchObject({ trusted: false, refusals: [{ reason: 'untrusted' }] });
  });

  test('below an intermediate CA is trusted if that is given too', async () => {
    const { ca: file } = writeMaterial(directory, { ca: root.pem });
    const intermediate = root.intermediate('east');
    const below = intermediate.client();
    const [alone] = await itemsOf({ 'a.pem': below.pem }, '--ca', file);
    expect(alone).toMatchObject({ trusted: false });
    const [together] = await itemsOf({ 'a.pem': below.chainPem }, '--ca', file);
    expect(together).toMatchObject({
      trusted: true,
      refusals: [],
      issuedBy: expect.stringMatching(/number 2$/),
    });
  });
});

describe('a client certificate without a CRL', () => {
  const { ca: file } = writeMaterial(directory, { ca: root.pem });
  const reservation = (cas: string, where = ''): string =>
    `  Would not be refused as a client${where}, but revocation was not checked: add the file of a CRL of ${cas} that a server would accept.\n`;

  test('is not said to be admitted: revocation was not checked', async () => {
    const trusted = await inspect({ 'a.pem': client.pem }, '--ca', file);
    expect(trusted.out).toContain(reservation('CN=root,O=Example'));
    const alone = await inspect({ 'a.pem': client.pem });
    expect(alone.out).toContain(reservation('CN=root,O=Example', ' of a server that trusts its CA'));
    for (const { code, out } of [trusted, alone]) {
      expect(code).toBe(0);
      expect(out).not.toMatch(/let in|admitted|accepted/);
    }
    expect(await itemsOf({ 'a.pem': client.pem }, '--ca', file)).toMatchObject([
      { refusals: [], revocation: { checked: false, casWithoutCrl: ['CN=root,O=Example'] } },
    ]);
  });

  test('that would be refused is reported as refused', async () => {
    const [item] = await itemsOf({ 'a.pem': root.client({ extendedKeyUsage: null }).pem }, '--ca', file);
    expect(item).toMatchObject({ refusals: [{ reason: 'wrong-purpose' }], revocation: { checked: false } });
  });

  const other = ca('other');
  test.each<[string, string, boolean]>([
    ['a current CRL of its CA', root.crl().pem, true],
    ['a CRL of another CA', other.crl().pem, false],
    [
      'a CRL of its CA’s name that another key has signed',
      ca({ commonName: 'root', organization: 'Example' }).crl().pem,
      false,
    ],
    [
      'a CRL that has expired',
      root.crl({ thisUpdate: new Date(Date.now() - 2 * day), nextUpdate: new Date(Date.now() - day) }).pem,
      false,
    ],
    ['a delta CRL', root.crl({ number: 2, delta: 1 }).pem, false],
    ['a CRL of the certificates that are no CA', root.crl({ idp: { onlyUser: true } }).pem, true],
    ['a CRL of CAs alone', root.crl({ idp: { onlyCa: true } }).pem, false],
  ])('and %s', async (_what, crl, checked) => {
    const [item] = await itemsOf({ 'a.pem': client.pem, 'b.pem': crl }, '--ca', file);
    expect(item?.['revocation']).toMatchObject({ checked });
    const { out } = await inspect({ 'a.pem': client.pem, 'b.pem': crl }, '--ca', file);
    expect(out.includes('  Would be admitted as a client.\n')).toBe(checked);
    expect(out.includes(reservation('CN=root,O=Example'))).toBe(!checked);
  });

  test('for a CA above it other than the root: the CAs without one are named', async () => {
    const east = root.intermediate('east');
    const west = east.intermediate('west');
    const { cas } = writeMaterial(directory, { cas: root.pem + east.pem + west.pem });
    const files = { 'a.pem': west.client().pem };
    const { out } = await inspect({ ...files, 'b.pem': east.crl().pem }, '--ca', cas);
    expect(out).toContain(reservation('CN=west and CN=root,O=Example'));
    const crls = [root, east, west].map((each) => each.crl().pem).join('');
    const [item] = await itemsOf({ ...files, 'b.pem': crls }, '--ca', cas);
    expect(item?.['revocation']).toEqual({ checked: true, casWithoutCrl: [] });
  });

  test('only matters for client certificates', async () => {
    const items = await itemsOf({ 'a.pem': server.pem, 'b.pem': root.pem }, '--ca', file);
    for (const item of items) expect(item).not.toHaveProperty('revocation');
  });
});

describe('other certificates', () => {
  test('a CA is checked as a CA, or as a client on request', async () => {
    const asCa = await inspect({ 'a.pem': root.pem });
    expect(asCa.code).toBe(0);
    expect(asCa.out).toMatch(/^a\.pem: root CA certificate\n[^]*\n {2}Issued by {4}itself\n/);
    expect(asCa.out).toContain('Would be accepted as a CA.');
    const asClient = await inspect({ 'a.pem': root.pem }, '--as', 'client');
    expect(asClient.code).toBe(1);
    expect(asClient.out).toContain('    - is-a-ca: ');
  });

  test.each<[string, CertificateOptions, string]>([
    ['without names', { sans: null }, 'no-names'],
    ['with an address of mail alone', { sans: { email: ['a@b.test'] } }, 'no-names'],
    ['that has expired', { notAfter: new Date(Date.now() - day) }, 'expired'],
    ['signed with SHA-1', { hash: 'sha1' }, 'weak-signature'],
  ])('a server certificate %s would be refused', async (_what, options, reason) => {
    const [item] = await itemsOf({ 'a.pem': root.server(options).pem });
    expect(item).toMatchObject({ judgedAs: 'a server certificate', refusals: [{ reason }] });
  });

  test.each<[string, string, string]>([
    ['a client certificate as a server', 'server', 'wrong-purpose'],
    ['a client certificate as a CA', 'ca', 'no-ca'],
  ])('%s would be refused', async (_what, role, reason) => {
    const [item] = await itemsOf({ 'a.pem': client.pem }, '--as', role);
    expect(item?.refusals?.map((refusal) => refusal.reason)).toContain(reason);
  });

  test('a CA that may sign nothing would be refused', async () => {
    const [item] = await itemsOf({ 'a.pem': ca({ keyUsage: ['digitalSignature'] }).pem });
    expect(item).toMatchObject({ judgedAs: 'a CA', refusals: [{ reason: 'wrong-purpose' }] });
  });

  test('a root signed with SHA-1 is accepted, because the signature of a root is not verified', async () => {
    expect((await inspect({ 'a.pem': ca({ hash: 'sha1' }).pem })).code).toBe(0);
  });
});

describe('a CRL', () => {
  const revoked = root.client({ commonName: 'client2', serial: '1002' });
  const crl = root.crl({
    number: 7,
    revoked: [
      { serial: revoked.serialContent, reason: 'keyCompromise', date: new Date('2026-01-02T03:04:05Z') },
      { serial: '2000' },
    ],
  });

  test('is told in plain words', async () => {
    const { code, out } = await inspect({ 'a.pem': crl.pem, 'b.pem': root.pem });
    expect(code).toBe(0);
    const [first] = out.replace(/\d+ seconds ago/, 'AGO').split('\n\n');
    expect(first?.replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g, 'DATE')).toBe(
      [
        'a.pem: CRL',
        '  Issued by    CN=root,O=Example',
        '  Number       7',
        '  Issued       DATE UTC (AGO)',
        '  Next due     DATE UTC (in 30 days)',
        '  Revokes      2 certificates',
        '                 1 without a reason',
        '                 1 keyCompromise',
        '  Signature    ECDSA with SHA-256',
        '               made by b.pem',
        '  Would be accepted as a CRL.',
      ].join('\n'),
    );
  });

  test('is told as JSON', async () => {
    const [item] = await itemsOf({ 'a.der': crl.der });
    expect(item).toMatchObject({
      type: 'crl',
      version: 2,
      issuer: 'CN=root,O=Example',
      number: '7',
      deltaBase: null,
      entries: 2,
      reasons: { keyCompromise: 1, unspecified: 1 },
      signedBy: null,
      refusals: [],
    });
  });

  test.each<[string, CrlOptions, string]>([
    ['that is stale', { thisUpdate: new Date(Date.now() - 40 * day) }, 'ERR_MTLS_CRL_EXPIRED'],
    ['from the future', { thisUpdate: new Date(Date.now() + day) }, 'ERR_MTLS_CRL_INVALID'],
    ['signed with SHA-1', { hash: 'sha1' }, 'ERR_MTLS_CRL_UNSUPPORTED'],
    [
      'with an unknown critical extension',
      { extraExtensions: [{ oid: '1.2.3.4', critical: true, value: Buffer.from('0500', 'hex') }] },
      'ERR_MTLS_CRL_UNSUPPORTED',
    ],
  ])('%s would be refused, with or without its CA', async (_what, options, reason) => {
    const bad = root.crl(options).pem;
    for (const files of [{ 'a.pem': bad }, { 'a.pem': bad, 'b.pem': root.pem }])
      expect((await itemsOf(files))[0]).toMatchObject({ refusals: [{ reason }] });
  });

  test.each([
    ['of another key', ca({ commonName: 'root', organization: 'Example' }), 'ERR_MTLS_CRL_ISSUER_UNKNOWN'],
    ['of another CA', ca('other'), 'ERR_MTLS_CRL_ISSUER_UNKNOWN'],
  ])('%s than the given CA would be refused', async (_what, other, reason) => {
    const { ca: file } = writeMaterial(directory, { ca: other.pem });
    const [item] = await itemsOf({ 'a.pem': crl.pem }, '--ca', file);
    expect(item).toMatchObject({ refusals: [{ reason }] });
  });

  test('that is forged would be refused', async () => {
    const forged = root.crl({ signWith: generateKey() });
    const { code, out } = await inspect({ 'a.pem': forged.pem, 'b.pem': root.pem });
    expect(code).toBe(1);
    expect(out).toContain('    - ERR_MTLS_CRL_SIGNATURE_INVALID: the signature of the CRL');
  });

  test('without a number or a nextUpdate is accepted with a note', async () => {
    const [item] = await itemsOf({ 'a.pem': root.crl({ number: null, nextUpdate: null }).pem });
    expect(item).toMatchObject({ number: null, nextUpdate: null, refusals: [] });
    expect(item?.notes).toHaveLength(2);
  });

  test('that is a delta or covers a part is described as such', async () => {
    const { out } = await inspect({
      'a.pem': root.crl({ number: 8, delta: 7, idp: { fullName: ['http://a.test/crl'], onlyUser: true } })
        .pem,
    });
    expect(out).toMatch(/^a\.pem: delta CRL$/m);
    expect(out).toMatch(/^ {2}Delta {8}changes since number 7$/m);
    expect(out).toMatch(
      /^ {2}Covers {7}certificates of end entities\n {15}point URI http:\/\/a\.test\/crl$/m,
    );
  });

  test('that has deltas is described with their locations', async () => {
    const full = root.crl({ freshest: ['http://a.test/delta.crl', 'http://b.test/delta.crl'] });
    const { out } = await inspect({ 'a.pem': full.pem });
    expect(out).toMatch(
      /^ {2}Deltas at {4}point URI http:\/\/a\.test\/delta\.crl\n {15}point URI http:\/\/b\.test\/delta\.crl$/m,
    );
    const [item] = await itemsOf({ 'a.pem': full.pem });
    expect(item?.['deltasAt']).toHaveLength(2);
  });

  test.each([
    ['a number', '1002'],
    ['a number as OpenSSL writes it', '0x10:02'],
    ['a certificate', 'file'],
  ])('lists a certificate searched by %s, with date and reason, and exit code 1', async (_what, find) => {
    const { file } = writeMaterial(directory, { file: revoked.pem });
    const { code, out } = await inspect({ 'a.pem': crl.pem }, '--find', find === 'file' ? file : find);
    expect(code).toBe(1);
    expect(out).toMatch(
      /^ {2}Asked {8}\S.* is listed\n {17}since 2026-01-02 03:04:05 UTC \(\d+ days ago\), reason: keyCompromise$/m,
    );
  });

  test('does not list another number, nor the same number of another CA', async () => {
    const { file } = writeMaterial(directory, { file: ca('other').client({ serial: '1002' }).pem });
    for (const find of ['1003', file]) {
      const { code, out } = await inspect({ 'a.pem': crl.pem }, '--find', find);
      expect(code).toBe(0);
      expect(out).toMatch(/^ {2}Asked {8}\S.* is not listed$/m);
    }
  });

  test('a delta that removes a certificate does not list it', async () => {
    const delta = root.crl({ number: 8, delta: 7, revoked: [{ serial: '1002', reason: 'removeFromCRL' }] });
    const { code, out } = await inspect({ 'a.pem': delta.pem, 'b.pem': revoked.pem }, '--find', '1002');
    expect(code).toBe(0);
    expect(out).toContain('serial 1002 was removed from the CRL\n');
    const [item] = await itemsOf({ 'a.pem': delta.pem }, '--find', '1002');
    expect(item).toMatchObject({ asked: [{ listed: false, reason: 'removeFromCRL' }] });
  });

  test('revokes the certificates in the other files', async () => {
    const [bad, good] = await itemsOf({ 'a.pem': revoked.pem, 'b.pem': client.pem, 'c.pem': crl.pem });
    expect(bad?.refusals).toStrictEqual([
      {
        reason: 'revoked',
        detail: expect.stringMatching(/c\.pem lists it since 2026-01-02 .*keyCompromise$/),
      },
    ]);
    expect(good?.refusals).toStrictEqual([]);
    const { out } = await inspect({ 'b.pem': client.pem, 'c.pem': crl.pem });
    expect(out).toMatch(/^ {2}Revoked {6}not by c\.pem$/m);
  });

  test('of other issuers too, lists by issuer and number', async () => {
    const other = ca('other');
    const indirect = root.crl({
      idp: { indirect: true },
      revoked: [{ serial: '1001' }, { serial: '1002', certificateIssuer: other.subject }],
    });
    const [, ours, theirs] = await itemsOf({
      'a.pem': indirect.pem,
      'b.pem': revoked.pem,
      'c.pem': other.client({ serial: '1002' }).pem,
    });
    expect(ours?.refusals).toStrictEqual([]);
    expect(theirs?.refusals).toMatchObject([{ reason: 'revoked' }]);
  });
});

describe('keys and requests', () => {
  const der = { format: 'der', type: 'pkcs8' } as const;

  test.each([
    ['PKCS#8', client.keyPem, client.privateKey.export(der)],
    [
      'SEC 1',
      client.privateKey.export({ format: 'pem', type: 'sec1' }),
      client.privateKey.export({ format: 'der', type: 'sec1' }),
    ],
  ])('a key in %s is described, with its certificate', async (_what, pem, bytes) => {
    for (const content of [pem, bytes]) {
      const { code, out } = await inspect({ 'a.key': content, 'b.pem': server.pem, 'c.pem': client.pem });
      expect(code).toBe(0);
      expect(out).toMatch(/^a\.key: private key\n {2}Key {10}EC, 256 bits\n {2}Belongs to {3}c\.pem\n\n/);
      expect(out).toMatch(/^ {2}Private key {2}a\.key$/m);
    }
  });

  test('a key that belongs to no other file is reported as such', async () => {
    const { out } = await inspect({ 'a.key': client.keyPem, 'b.pem': server.pem });
    expect(out).toContain('  Belongs to   nothing else in the given files\n');
  });

  test.each([
    ['RSA', generateKey('rsa2048'), 'RSA, 2048 bits'],
    ['Ed25519', generateKey('ed25519'), 'Ed25519'],
  ])('an %s key in DER is described, private or public', async (_what, key, words) => {
    const { out } = await inspect({
      'a.der': key.export(der),
      'b.der': createPublicKey(key).export({ format: 'der', type: 'spki' }),
    });
    expect(out).toContain(`private key\n  Key          ${words}\n  Belongs to   b.der\n`);
    expect(out).toContain(`public key\n  Key          ${words}\n  Belongs to   a.der\n`);
  });

  test('a short key would be refused', async () => {
    const key = generateKey('rsa1024');
    const [item] = await itemsOf({ 'a.pem': key.export({ format: 'pem', type: 'pkcs1' }) });
    expect(item).toMatchObject({ refusals: [{ reason: 'weak-key' }] });
  });

  const secret = 'not to be seen';
  const encrypted = {
    'PKCS#8': client.privateKey.export({ ...der, format: 'pem', cipher: 'aes-256-cbc', passphrase: secret }),
    'the old form of OpenSSL': client.privateKey.export({
      type: 'sec1',
      format: 'pem',
      cipher: 'aes-128-cbc',
      passphrase: secret,
    }),
  };

  test.each(Object.entries(encrypted))(
    'an encrypted key in %s is described, and decrypted with its password',
    async (_what, pem) => {
      const locked = await inspect({ 'a.key': pem, 'b.pem': client.pem });
      expect(locked.code).toBe(0);
      expect(locked.out).toMatch(/^a\.key: private key, encrypted\n {2}Encrypted {4}AES-.*\n {2}Note: /);
      const { right, wrong } = writeMaterial(directory, { right: `${secret}\n`, wrong: 'wrong' });
      const open = await inspect({ 'a.key': pem, 'b.pem': client.pem }, '--password-file', right);
      expect(open.out).toMatch(/^ {2}Belongs to {3}b\.pem$/m);
      const other = await inspect({ 'a.key': pem, 'b.pem': client.pem }, '--password-file', wrong);
      expect(other.out).not.toContain('Belongs to');
      expect(open.out + other.out + locked.out).not.toContain(secret);
    },
  );

  test('a private key is never shown, in any form', async () => {
    const body = client.keyPem.split('\n')[1] ?? '';
    const scalar = String(client.privateKey.export({ format: 'jwk' }).d);
    for (const options of [[], ['--json']]) {
      const { out, err } = await inspect({ 'a.key': client.keyPem, 'b.pem': client.pem }, ...options);
      expect(out + err).not.toContain(body);
      expect(out + err).not.toContain(scalar);
      expect(out + err).not.toContain(Buffer.from(scalar, 'base64url').toString('hex'));
    }
  });

  test('a request is described, with its key', async () => {
    const request = certificateRequest({
      commonName: 'client3',
      sans: { dns: ['a.test'] },
      extendedKeyUsage: [purposes.clientAuth],
    });
    for (const content of [request.pem, request.der]) {
      const { code, out } = await inspect({ 'a.csr': content, 'a.key': request.keyPem });
      expect(code).toBe(0);
      expect(out.split('\n\n')[0]).toBe(
        [
          'a.csr: certificate request (CSR)',
          '  Subject      CN=client3',
          '  Names        DNS a.test',
          '  For          clients (clientAuth)',
          '  Key          EC, 256 bits',
          '  Private key  a.key',
          '  Signature    ECDSA with SHA-256, valid',
        ].join('\n'),
      );
    }
  });

  test('a request that was not signed with its own key would be refused', async () => {
    const { code, out } = await inspect({
      'a.csr': certificateRequest({ commonName: 'a', signWith: generateKey() }).pem,
    });
    expect(code).toBe(1);
    expect(out).toContain('    - signature: its own signature is invalid');
  });
});

describe('files are read in every form that a server reads', () => {
  const trusted = (...settings: Buffer[]): string =>
    formatPem({ label: 'TRUSTED CERTIFICATE', der: Buffer.concat([root.der, sequence(...settings)]) });
  const forServers = trusted(sequence(oid(purposes.serverAuth)));

  test.each<[string, string | Buffer, RegExp]>([
    ['a byte order mark', `\ufeff${root.pem}`, /^a\.pem: root CA certificate\n/],
    ['lines of dashes', `---- my CA ----\n${root.pem}-----------\n`, /^a\.pem: root CA certificate\n/],
    ['old Macs', root.pem.replaceAll('\n', '\r'), /^a\.pem: root CA certificate\n/],
    ['an old label', root.pem.replaceAll('CERT', 'X509 CERT'), /^a\.pem: root CA certificate\n/],
    ['a trusted certificate', trusted(), /^a\.pem: root CA certificate\n[^]*Would be accepted as a CA\.\n$/],
    ['DER with a newline', Buffer.concat([root.der, Buffer.from('\n')]), /^a\.pem: root CA certificate\n/],
    ['a CA and its CRL', root.pem + root.crl().pem, /number 1: root CA certificate\n[^]*number 2: CRL\n/],
  ])('%s', async (_what, content, seen) => {
    const { code, out, err } = await inspect({ 'a.pem': content });
    expect({ code, err }).toStrictEqual({ code: 0, err: '' });
    expect(out).toMatch(seen);
  });

  test('a CA whose trust settings exclude clients would be refused, as by a server', async () => {
    const { code, out } = await inspect({ 'a.pem': forServers });
    expect(code).toBe(1);
    expect(out).toMatch(
      /Would be refused as a CA:\n {4}- untrusted: it has trust settings that exclude clientAuth \(1\.3\.6\.1\.5\.5\.7\.3\.2\)/,
    );
    expect((await inspect({ 'a.pem': forServers }, '--as', 'server')).out).not.toContain('its own settings');
    const { file } = writeMaterial(directory, { file: forServers });
    const judged = await inspect({ 'a.pem': client.pem }, '--ca', file);
    expect(judged.code).toBe(3);
    expect(judged.err).toMatch(/file \(--ca\): a TRUSTED CERTIFICATE in it has trust settings that exclude/);
    const served = await inspect({ 'a.pem': server.pem }, '--ca', file, '--as', 'server');
    expect(served.code).toBe(0);
  });

  test.each<[string, string | Buffer, RegExp]>([
    [
      'UTF-16',
      Buffer.from(root.pem, 'utf16le'),
      /^ERR_MTLS_PEM_INVALID: a\.pem: it is text in UTF-16LE, .* iconv/,
    ],
    ['base64 without armour', root.der.toString('base64'), /a\.pem: it is base64 of DER, .* base64 -d/],
    ['a page', '<!doctype html>', /a\.pem: it is HTML or XML/],
    ['OpenPGP', '-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmQ==\n=abcd\n', /a\.pem: it is OpenPGP/],
  ])('%s is named', async (_what, content, message) => {
    const { code, err } = await inspect({ 'a.pem': content });
    expect(code).toBe(3);
    expect(err).toMatch(message);
  });

  const legacy =
    /the private key is encrypted with (?:PBE-MD5-DES|DES-CBC), which OpenSSL 3 does not support; re-encrypt it with "openssl pkcs8 -topk8/;
  test.each<[string, string]>([
    [
      'PKCS#8',
      formatPem({
        label: 'ENCRYPTED PRIVATE KEY',
        der: sequence(
          sequence(oid('1.2.840.113549.1.5.3'), sequence(octetString(Buffer.alloc(8)), integer(1))),
          octetString(Buffer.alloc(16)),
        ),
      }),
    ],
    [
      'the old form of OpenSSL',
      formatPem({
        label: 'EC PRIVATE KEY',
        headers: 'Proc-Type: 4,ENCRYPTED\nDEK-Info: DES-CBC,1CAAACAFAC633F0F',
        der: Buffer.alloc(16),
      }),
    ],
  ])(
    'a key in %s with outdated encryption is described, and with its password the remedy is given',
    async (_form, pem) => {
      const locked = await inspect({ 'a.pem': pem });
      expect(locked.out).toMatch(/Encrypted {4}(PBE-MD5-DES|DES-CBC in the old format of OpenSSL)\n/);
      const { secret } = writeMaterial(directory, { secret: 's3cret' });
      const { code, err } = await inspect({ 'a.pem': pem }, '--password-file', secret);
      expect(code).toBe(3);
      expect(err).toMatch(legacy);
    },
  );

  test('a key with an unsupported derivation is reported with the command to convert it', async () => {
    const scrypt = sequence(
      oid('1.2.840.113549.1.5.13'),
      sequence(sequence(oid('1.3.6.1.4.1.11591.4.11'), sequence()), sequence(oid('2.16.840.1.101.3.4.1.42'))),
    );
    const der = sequence(scrypt, octetString(Buffer.alloc(16)));
    const { secret } = writeMaterial(directory, { secret: 's3cret' });
    const { err } = await inspect({ 'a.der': der }, '--password-file', secret);
    expect(err).toMatch(
      /it is encrypted with AES-256-CBC and a derivation other than PBKDF2, which is not supported; re-encrypt it with "openssl pkcs8 -topk8 -v2 aes-256-cbc -in FILE -out NEW"/,
    );
  });
});

describe('several files', () => {
  test('a bundle is described item by item', async () => {
    const bundle = `some text\n${client.pem}${root.pem}${client.keyPem}${root.crl().pem}`;
    const { code, out } = await inspect({ 'a.pem': bundle });
    expect(code).toBe(0);
    expect(out.match(/^a\.pem, number \d: .*$/gm)).toStrictEqual([
      'a.pem, number 1: client certificate',
      'a.pem, number 2: root CA certificate',
      'a.pem, number 3: private key',
      'a.pem, number 4: CRL',
    ]);
  });

  test('one that cannot be parsed is an error, the others are shown, and the exit code is 3', async () => {
    const { code, out, err } = await inspect({ 'a.pem': 'nothing', 'b.pem': client.pem });
    expect(code).toBe(3);
    expect(out).toMatch(/^b\.pem: client certificate\n/);
    expect(err).toMatch(/^ERR_MTLS_PEM_INVALID: a\.pem: no PEM block was found; expected PEM .*\n$/);
  });

  test('as JSON they are an array, with the error in its place', async () => {
    const { code, out, err } = await inspect({ 'a.pem': 'nothing', 'b.pem': client.pem }, '--json');
    expect({ code, err }).toStrictEqual({ code: 3, err: '' });
    expect(JSON.parse(out)).toMatchObject([
      { input: expect.stringMatching(/a\.pem$/), error: { code: 'ERR_MTLS_PEM_INVALID' } },
      { input: expect.stringMatching(/b\.pem$/), items: [{ type: 'certificate' }] },
    ]);
  });
});

describe('errors are on one line, with exit code 3', () => {
  test.each<[string, string | Buffer, RegExp]>([
    ['an empty file', '', /it is empty; expected PEM .* or DER/],
    ['half a file', client.pem.slice(0, 300), /without an END line: the file is truncated/],
    ['half a certificate', client.der.subarray(0, 200), /check that it is the right file and complete/],
    [
      'a certificate with a tail',
      Buffer.concat([client.der, Buffer.of(0)]),
      /certificate has 1 bytes too many/,
    ],
    ['PKCS#7', Buffer.from('300f06092a864886f70d010702a0020500', 'hex'), /openssl pkcs7 -print_certs/],
    ['an unknown structure', Buffer.from('3003020100', 'hex'), /neither PEM nor DER/],
    [
      'a key that is none',
      '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n',
      /but cannot be parsed/,
    ],
  ])('%s', async (_what, content, message) => {
    const { code, out, err } = await inspect({ 'a.pem': content });
    expect({ code, out }).toStrictEqual({ code: 3, out: '' });
    expect(err).toMatch(/^ERR_MTLS_[A-Z_]+: a\.pem: [^\n]*\n$/);
    expect(err).toMatch(message);
  });

  test('a server without https:// is reported with the right form', async () => {
    const { code, err } = await runCommand(['inspect', 'localhost:4433']);
    expect(code).toBe(3);
    expect(err).toBe('error: there is no file localhost:4433; for a server, use https://localhost:4433\n');
  });

  test('a file that is not there', async () => {
    const { code, err } = await runCommand(['inspect', join(directory, 'missing.pem')]);
    expect(code).toBe(3);
    expect(err).toMatch(
      /^error: no such file or directory, .*missing\.pem'; check the path, which is relative to the current folder, "[^"]+"\n$/,
    );
  });

  test.each([
    ['~/no-such.pem', 'only shells expand "~"'],
    ['file:///no-such.pem', 'use https://HOST:PORT, or the path of a file'],
    ['no-such.pem', `the current folder, ${JSON.stringify(process.cwd())}`],
  ])('a path such as %s', async (path, remedy) => {
    const { code, err } = await runCommand(['inspect', path]);
    expect(code).toBe(3);
    expect(err).toContain(remedy);
  });

  test.each([
    [
      'what to find',
      ['--find', 'xyz'],
      /--find is "xyz", which is neither a serial number in hex nor a file/,
    ],
    ['the CA', ['--ca', 'KEY'], /\(--ca\) contains no certificate; use the certificate of the CA/],
  ])('of %s', async (_what, options, message) => {
    const { key } = writeMaterial(directory, { key: client.keyPem });
    const { code, err } = await inspect(
      { 'a.pem': client.pem },
      ...options.map((option) => (option === 'KEY' ? key : option)),
    );
    expect(code).toBe(3);
    expect(err).toMatch(message);
  });

  test('with --json the error is JSON too', async () => {
    const { code, out, err } = await inspect({ 'a.pem': '' }, '--json');
    expect({ code, out }).toStrictEqual({ code: 3, out: '' });
    expect(JSON.parse(err)).toMatchObject({ error: { code: 'ERR_MTLS_PEM_INVALID' } });
  });
});

test('a long list of names is shortened for people, and complete in JSON', async () => {
  const dns = Array.from({ length: 40 }, (_, index) => `host${index}.test`);
  const { pem } = root.server({ sans: { dns } });
  const { out } = await inspect({ 'a.pem': pem });
  expect(out).toContain('               and 29 more (--json has them all)\n');
  expect(out).not.toContain('host11.test');
  const [item] = await itemsOf({ 'a.pem': pem });
  expect(item).toMatchObject({ subjectAltNames: { dns } });
});

test('names cannot control the terminal, not even in JSON, which stays valid', async () => {
  const commonName = 'a\u001B[2Jb\u009B31mc\u202Ed\ne';
  const { pem } = root.client({ commonName });
  const text = await inspect({ 'a.pem': pem });
  const json = await inspect({ 'a.pem': pem }, '--json');
  for (const { out } of [text, json]) expect(out).not.toMatch(/(?!\n)[\p{Cc}\u202E]/u);
  expect(text.out).not.toMatch(/^e/m);
  expect(JSON.parse(json.out)).toMatchObject({ items: [{ commonNames: [commonName] }] });
});

test('--help shows examples', async () => {
  const { out } = await runCommand(['inspect', '--help']);
  expect(out).toContain('Usage: express-mtls inspect [options] <file...>');
  expect(out).toContain('Examples:\n  $ express-mtls inspect ');
});

describe('--partial-chain', () => {
  const middle = root.intermediate('middle');
  const below = middle.intermediate('below');
  const trusted = [
    '--ca',
    writeMaterial(directory, { 'middle.pem': middle.pem })['middle.pem'],
    '--as',
    'client',
  ];

  test('makes a CA without its root a trust anchor, as on the server', async () => {
    const files = { 'a.pem': middle.client().pem };
    expect((await itemsOf(files, ...trusted))[0]?.refusals?.[0]?.reason).toBe('untrusted');
    expect((await itemsOf(files, ...trusted, '--partial-chain'))[0]?.refusals).toEqual([]);
  });

  test('ignores the other certificates of the call, as a server ignores what a client sends', async () => {
    const files = { 'a.pem': below.client().pem, 'b.pem': below.pem };
    const [first] = await itemsOf(files, ...trusted, '--partial-chain');
    expect(first?.refusals?.[0]?.reason).toBe('untrusted');
  });
});
