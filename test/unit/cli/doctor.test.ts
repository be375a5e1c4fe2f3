/**
 * `express-mtls doctor` without a server: what it checks, and in which words.
 *
 * @module
 */
import { createPrivateKey } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { Step } from '../../../src/cli/doctor/step.js';
import type { Verdict } from '../../../src/cli/doctor/verdict.js';
import { formatPem } from '../../../src/x509/pem.js';
import { ca, type Certificate, type CertificateOptions, purposes, selfSigned } from '../../support/chain.js';
import { type CommandResult, runCommand } from '../../support/command.js';
import { integer, octetString, oid, sequence } from '../../support/der-writer.js';
import { temporaryDirectory, writeMaterial } from '../../support/files.js';

const hour = 3_600_000;
const inMs = (ms: number): Date => new Date(Date.now() + ms);
const root = ca('ca');
const client1 = root.client({ commonName: 'client1', organization: 'Example' });

interface Given {
  readonly certificate?: Certificate;
  /** What the file holds. @defaultValue the certificate and the intermediates above it */
  readonly chain?: string | Buffer;
  readonly key?: string | Buffer | null;
  readonly ca?: string | null;
  readonly crl?: string | Buffer | null;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs it over files that were written for it. */
async function run(given: Given = {}): Promise<CommandResult & { directory: string }> {
  const { certificate = client1, chain, key = certificate.keyPem, args = [], env = {} } = given;
  const { ca: cas = root.pem, crl = root.crl({ number: 4 }).pem } = given;
  const directory = temporaryDirectory();
  const optional = { 'key.pem': key, 'ca.pem': cas, 'crl.pem': crl };
  writeMaterial(directory, { 'crt.pem': chain ?? certificate.chainPem });
  const options = Object.entries(optional).flatMap(([name, content]) => {
    if (content === null) return [];
    writeMaterial(directory, { [name]: content });
    return [`--${name.replace('.pem', '')}`, join(directory, name)];
  });
  const result = await runCommand(['doctor', '--cert', join(directory, 'crt.pem'), ...options, ...args], {
    env,
  });
  return { ...result, directory };
}

interface Data {
  readonly steps: readonly Step[];
  readonly verdict: Verdict;
}

/** What `--json` says. */
async function examine(given: Given = {}): Promise<Data & { code: number; failing: string[] }> {
  const { code, out, err } = await run({ ...given, args: ['--json', ...(given.args ?? [])] });
  expect(err).toBe('');
  const data = JSON.parse(out) as Data;
  return { code, failing: failing(data.steps), ...data };
}

function failing(steps: readonly Step[]): string[] {
  return steps.filter(({ outcome }) => outcome === 'fails').map(({ step }) => step);
}

describe('a client that would be admitted', () => {
  test('is reported step by step, with the files, the clock and the CRL, and the verdict last', async () => {
    const { code, out, err, directory } = await run();
    expect({ code, err }).toStrictEqual({ code: 0, err: '' });
    const date = String.raw`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC`;
    const lines = [
      `ok       file         ${directory}/crt.pem: the client's certificate`,
      `ok       file         ${directory}/key.pem: a private key, EC prime256v1`,
      `ok       file         ${directory}/ca.pem: 1 certificate of CAs`,
      'ok       key          it belongs to the certificate',
      `ok       certificate  CN=client1,O=Example, serial ${client1.serial}`,
      new RegExp(
        `^ok       dates        valid until ${date} \\(in 2[34] hours\\); the clock of this machine says ${date}$`,
      ),
      'ok       ca           clients of CN=ca are trusted',
      `ok       chain        CN=client1,O=Example, signed by CN=ca (${directory}/ca.pem), which is a root`,
      'ok       path         every CA above it permits it',
      new RegExp(
        `^ok       crl          ${directory}/crl.pem: CRL number 4 of CN=ca, signature verified, current until ${date} \\(in 30 days\\), 0 revoked$`,
      ),
      'ok       revocation   not revoked by CRL number 4 of CN=ca',
      'ok       purpose      its extendedKeyUsage has clientAuth',
      'ok       strength     CN=client1,O=Example EC 256, CN=ca EC 256',
      '',
      'client1 would be admitted',
      '',
    ];
    expect(out.split('\n')).toEqual(
      lines.map((line) => (typeof line === 'string' ? line : expect.stringMatching(line))),
    );
  });

  test('through an intermediate CA that only the client has, with a note', async () => {
    const middle = root.intermediate('middle');
    const certificate = middle.client('client1');
    const { code, steps, verdict } = await examine({
      certificate,
      crl: root.crl().pem + middle.crl().pem,
      ca: root.pem,
    });
    // A CRL of a CA that the server does not know fails its start.
    expect([code, verdict.reason]).toEqual([1, 'revocation-unknown']);
    expect(steps.find(({ step }) => step === 'chain')?.detail).toMatch(
      /CN=client1, signed by CN=middle \(.*crt\.pem\), signed by CN=ca \(.*ca\.pem\), which is a root; "CN=middle" comes only from the client's file/,
    );
  });

  test('as JSON: steps, each with its outcome, and the verdict', async () => {
    const { code, steps, verdict } = await examine();
    expect(code).toBe(0);
    expect(steps.map(({ step, outcome }) => [step, outcome])).toEqual(
      [
        'file',
        'file',
        'file',
        'key',
        'certificate',
        'dates',
        'ca',
        'chain',
        'path',
        'crl',
        'revocation',
        'purpose',
        'strength',
      ].map((step) => [step, 'ok']),
    );
    expect(verdict).toEqual({ letIn: true, text: 'client1 would be admitted', advice: [] });
  });

  test.each([
    { what: 'a file', args: ['--passphrase-file'], env: {} },
    { what: 'the environment', args: [], env: { EXPRESS_MTLS_KEY_PASSPHRASE: 'correct' } },
  ])('with a key that is encrypted, and its passphrase in $what', async ({ args, env }) => {
    const file = join(temporaryDirectory(), 'pass');
    writeMaterial(join(file, '..'), { pass: 'correct\nignored\n' });
    const given = { key: encrypted(client1), args: args.flatMap((option) => [option, file]), env };
    const { code, steps } = await examine(given);
    expect([code, steps.find(({ step }) => step === 'key')?.outcome]).toEqual([0, 'ok']);
  });
});

function encrypted({ keyPem }: Certificate): string {
  return createPrivateKey(keyPem)
    .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'correct' })
    .toString();
}

describe('a client that is refused', () => {
  test.each<[string, string, CertificateOptions, string[], RegExp]>([
    [
      'expired',
      'ERR_MTLS_CERTIFICATE_EXPIRED',
      { notAfter: inMs(-50 * hour) },
      ['dates'],
      /: expired: "CN=x" expired at /,
    ],
    [
      'not-yet-valid',
      'ERR_MTLS_CERTIFICATE_INVALID',
      { notBefore: inMs(hour) },
      ['dates'],
      /is not valid before/,
    ],
    [
      'wrong-purpose',
      'ERR_MTLS_CERTIFICATE_INVALID',
      { extendedKeyUsage: null },
      ['purpose'],
      /it has no extendedKeyUsage$/,
    ],
    [
      'is-a-ca',
      'ERR_MTLS_CERTIFICATE_INVALID',
      { isCa: true },
      ['purpose'],
      /it is the certificate of a CA$/,
    ],
    [
      'weak-key',
      'ERR_MTLS_CERTIFICATE_INVALID',
      { key: 'rsa1024' },
      ['strength'],
      /RSA with 1024 bits; at least 2048 are required/,
    ],
    [
      'expired',
      'ERR_MTLS_CERTIFICATE_EXPIRED',
      { notAfter: inMs(-hour), extendedKeyUsage: null, key: 'rsa1024', serial: '1003' },
      ['dates', 'revocation', 'purpose', 'strength'],
      /^x is refused: expired/,
    ],
  ])('%s (%s): %j', async (reason, code, options, failingSteps, text) => {
    const certificate = root.client({ commonName: 'x', ...options });
    const crl = root.crl({ number: 4, revoked: [{ serial: '1003' }] }).pem;
    const found = await examine({ certificate, crl });
    expect(found.code).toBe(1);
    expect(found.verdict).toMatchObject({ letIn: false, reason, code, text: expect.stringMatching(text) });
    expect(found.failing).toEqual(failingSteps);
    const first = found.steps.find(({ outcome }) => outcome === 'fails');
    expect(first?.remedy).toMatch(/issue|clock/);
  });

  test('revoked: since when, why, by which CRL, and what to do', async () => {
    const client2 = root.client('client2');
    const date = new Date('2026-01-02T03:04:05Z');
    const entry = { serial: client2.serial, date, reason: 'keyCompromise' } as const;
    const { code, out } = await run({
      certificate: client2,
      crl: root.crl({ number: 4, revoked: [entry] }).pem,
    });
    expect(code).toBe(1);
    expect(out).toMatch(
      /^FAILS {4}revocation {3}it was revoked at 2026-01-02T03:04:05\.000Z \(keyCompromise\) by CRL number 4 of "CN=ca"\n {22}-> issue a new certificate/m,
    );
    expect(out).toMatch(
      /\n\nclient2 is refused: revoked on 2026-01-02 03:04:05 UTC \(\d+ \w+ ago\) \(keyCompromise\) by CRL number 4 of CN=ca\n$/,
    );
  });

  test('revoked above: the report names the CA', async () => {
    const middle = root.intermediate('middle');
    const crl = root.crl({ revoked: [middle] }).pem + middle.crl().pem;
    const { verdict } = await examine({ certificate: middle.client('x'), ca: root.pem + middle.pem, crl });
    expect(verdict).toMatchObject({
      reason: 'revoked',
      text: expect.stringMatching(/^x is refused: revoked: "CN=middle", a CA above it, was revoked at /),
    });
  });

  test.each<[string, Certificate, RegExp]>([
    [
      'another CA',
      ca('other').client('x'),
      /^"CN=x" was issued by "CN=other", and no certificate with that name was given$/,
    ],
    ['itself', selfSigned('x'), /^"CN=x" is self-signed, and is not one of the given CAs$/],
    [
      'another CA of the same name',
      ca('ca').client('x'),
      /^"CN=x" was issued by "CN=ca", and the certificate with that name has another key/,
    ],
    [
      'a forger',
      root.client({ commonName: 'x', signWith: ca('ca').privateKey }),
      /^"CN=x" was issued by "CN=ca", and the certificate with that name did not sign it: the signature was not made with its key$/,
    ],
    [
      'a certificate that is not a CA certificate',
      ((): Certificate => {
        const middle = root.intermediate({ commonName: 'middle', isCa: false });
        return middle.client('x');
      })(),
      /^"CN=middle", an issuer above it, is not a CA/,
    ],
    [
      'an intermediate that may not',
      root.intermediate({ commonName: 'middle', keyUsage: ['cRLSign'] }).client('x'),
      /its keyUsage lacks keyCertSign/,
    ],
  ])('untrusted, issued by %s: the broken link is named', async (_who, certificate, detail) => {
    const { verdict, failing: steps, steps: all } = await examine({ certificate });
    expect(verdict).toMatchObject({
      letIn: false,
      reason: 'untrusted',
      code: 'ERR_MTLS_CERTIFICATE_UNTRUSTED',
    });
    expect(steps).toHaveLength(1);
    expect(['chain', 'path']).toContain(steps[0]);
    expect(all.find(({ step }) => step === steps[0])?.detail).toMatch(detail);
    const skipped = steps[0] === 'path' ? ['revocation'] : ['path', 'revocation'];
    for (const step of skipped)
      expect(all.find((one) => one.step === step)).toMatchObject({ outcome: 'skipped' });
  });

  test('revocation-unknown if the intermediate CA has no CRL: the report names the CA', async () => {
    const middle = root.intermediate('middle');
    const found = await examine({ certificate: middle.client('x'), ca: root.pem + middle.pem });
    expect(found.code).toBe(1);
    expect(found.verdict).toMatchObject({
      reason: 'revocation-unknown',
      code: 'ERR_MTLS_REVOCATION_UNKNOWN',
      text: 'x is refused: revocation-unknown: it cannot be checked for revocation: no CRL of "CN=middle" is loaded',
    });
    expect(found.steps).toContainEqual({
      step: 'crl',
      outcome: 'note',
      detail: 'CN=middle has no CRL: a server refuses every certificate that this CA issued',
    });
  });

  test('revocation-unknown if the CRL is stale; its entries still revoke', async () => {
    const times = { thisUpdate: inMs(-72 * hour), nextUpdate: inMs(-50 * hour), number: 4 };
    const stale = await examine({ crl: root.crl(times).pem });
    expect(stale.failing).toEqual(['crl', 'revocation']);
    expect(stale.steps.find(({ step }) => step === 'crl')).toMatchObject({
      detail: expect.stringMatching(/CRL number 4 of "CN=ca" .* expired at /),
      remedy: expect.stringMatching(/^publish a newer CRL \(the clock of this host says /),
    });
    expect(stale.verdict.reason).toBe('revocation-unknown');
    const listed = await examine({ crl: root.crl({ ...times, revoked: [client1] }).pem });
    expect(listed.verdict.reason).toBe('revoked');
  });

  test('a forged CRL is not used', async () => {
    const crl = root.crl({ signWith: ca('ca').privateKey }).pem;
    const { failing: steps, verdict } = await examine({ crl });
    expect(steps).toEqual(['crl', 'revocation']);
    expect(verdict.reason).toBe('revocation-unknown');
  });

  test('by a rule: the part that forbids, and the value in the certificate', async () => {
    const grants = await examine({ args: ['--rule', '{"commonName":["client1"],"organization":"Example"}'] });
    expect([grants.code, grants.steps.at(-1)]).toEqual([
      0,
      {
        step: 'rule',
        outcome: 'ok',
        detail: 'requireClient({ commonName: ["client1"], organization: "Example" }) allows the client',
      },
    ]);
    const { code, verdict, steps } = await examine({
      args: ['--rule', '{"commonName":"client1","organization":"E","dns":"a"}'],
    });
    expect(code).toBe(1);
    expect(steps.at(-1)?.detail).toBe(
      'requireClient({ commonName: "client1", organization: "E", dns: "a" }) answers 403: organization is "Example", dns is not in the certificate',
    );
    expect(verdict).toMatchObject({
      reason: 'forbidden',
      code: 'ERR_MTLS_CLIENT_FORBIDDEN',
      text: expect.stringMatching(/^client1 is admitted, but the rule forbids the request: /),
    });
  });
});

describe('inputs that do not match', () => {
  test('a key of another certificate', async () => {
    const { code, verdict, failing: steps } = await examine({ key: root.client().keyPem });
    expect([code, verdict.reason, steps]).toEqual([1, 'key-mismatch', ['key']]);
    expect(verdict.text).toMatch(
      /^client1 cannot connect: the key in .* does not belong to the certificate in /,
    );
  });

  test('the key of a certificate further down in the file', async () => {
    const { steps } = await examine({ chain: root.pem + client1.pem, key: client1.keyPem });
    expect(steps.find(({ step }) => step === 'key')?.remedy).toBe(
      "it is the key of certificate 2 in that file: put the client's certificate first",
    );
  });

  test('CAs that no server starts with', async () => {
    const { code, verdict, failing: steps } = await examine({ ca: root.pem + client1.pem });
    expect([code, steps, verdict.reason]).toEqual([1, ['ca'], 'ca-faulty']);
    expect(verdict.text).toMatch(/no server starts with these CAs: .*"CN=client1,O=Example" is not a CA/);
  });

  test('a self-signed client certificate among the CAs is not a CA and does not vouch for itself', async () => {
    const certificate = selfSigned('x');
    const { verdict, failing: steps } = await examine({ certificate, ca: root.pem + certificate.pem });
    expect([steps, verdict.reason]).toEqual([['ca', 'chain'], 'untrusted']);
  });

  test('a name with a semicolon is not cut there', async () => {
    const { steps } = await examine({ ca: root.pem + root.client('a; b').pem });
    expect(steps.find(({ step }) => step === 'ca')).toMatchObject({
      detail: expect.stringContaining(String.raw`"CN=a\; b" is not a CA`),
      remedy: expect.stringMatching(/^use the certificate of the CA that issued the client certificates/),
    });
  });

  test('a certificate that cannot be parsed', async () => {
    const chain = root.client({ sans: { dns: ['a\u0000b'] } }).der;
    const { code, verdict, failing: steps } = await examine({ chain, key: null });
    expect([code, verdict.reason, verdict.code, steps]).toEqual([
      1,
      'identity-invalid',
      'ERR_MTLS_CERTIFICATE_INVALID',
      ['certificate'],
    ]);
  });
});

describe('missing inputs', () => {
  test('are skipped and reported; without a CA, no client would be admitted', async () => {
    const { code, verdict, steps } = await examine({ key: null, ca: null, crl: null });
    expect(code).toBe(1);
    expect(steps.filter(({ outcome }) => outcome === 'skipped').map(({ step }) => step)).toEqual([
      'key',
      'ca',
      'chain',
      'path',
      'crl',
      'revocation',
    ]);
    expect(verdict).toEqual({
      letIn: false,
      text: 'no check refuses client1; not checked: key, ca, chain, path, crl, revocation',
      advice: [],
    });
  });

  test('without a CA, the other checks still run', async () => {
    const certificate = root.client({ commonName: 'x', extendedKeyUsage: null });
    const { verdict, failing: steps } = await examine({ certificate, ca: null });
    expect([steps, verdict.reason]).toEqual([['purpose'], 'wrong-purpose']);
  });

  test('without a CRL, a server without one would admit the client, and the missing checks are listed', async () => {
    const { code, verdict } = await examine({ crl: null });
    expect([code, verdict.text]).toEqual([
      0,
      'client1 would be admitted by a server without a CRL; not checked: crl, revocation',
    ]);
  });

  test('no connection is made without a key', async () => {
    const { code, verdict } = await examine({ key: null, args: ['https://127.0.0.1:1'] });
    expect(code).toBe(1);
    expect(verdict.text).toMatch(/no connection was made: no --key was given/);
  });
});

describe('notes', () => {
  test.each<[CertificateOptions, RegExp]>([
    [{ commonName: ['a', 'b'] }, /^it has 2 commonNames, /],
    [{ commonName: ' a' }, /^its commonName is empty, too long, begins or ends with a space/],
    [{ commonName: [], organization: 'Example' }, /^it has no commonName/],
    [{ commonName: 'a', sans: { uri: ['spiffe://a/b', 'spiffe://a/c'] } }, /^it has 2 URIs, so none/],
    [{ commonName: 'a', sans: { uri: ['spiffe://A/b'] } }, /^its URI is not a valid SPIFFE ID/],
    [
      // The builder writes Latin-1 here.
      { commonName: 'a', sans: { email: ['ü@a.test', 'ö@a.test'], dns: ['ü.test'] } },
      /^its subjectAltName has entries that are not in the encoding of their type \(dns, email\), so no rule/,
    ],
  ])('%j', async (options, detail) => {
    const { code, steps } = await examine({ certificate: root.client(options) });
    expect(code).toBe(0);
    expect(steps.filter(({ outcome }) => outcome === 'note')).toEqual([
      { step: 'names', outcome: 'note', detail: expect.stringMatching(detail) },
    ]);
  });

  test('an older CRL beside a newer one', async () => {
    const directory = temporaryDirectory();
    writeMaterial(directory, { 'old.pem': root.crl({ number: 3, thisUpdate: inMs(-hour) }).pem });
    const { code, steps } = await examine({ args: ['--crl', join(directory, 'old.pem')] });
    expect(code).toBe(0);
    expect(steps).toContainEqual(
      expect.objectContaining({
        outcome: 'note',
        detail: expect.stringMatching(/old\.pem: not used, because/),
      }),
    );
  });
});

test('hostile names neither steer the terminal, nor add lines, nor break the JSON', async () => {
  const certificate = root.client({
    commonName: 'a\u001B[2J\nok\u202Eb',
    organization: ['\u009Bx', 'x'.repeat(5000)],
  });
  const rule = JSON.stringify({ organization: 'y' });
  const { out } = await run({ certificate, args: ['--rule', rule] });
  expect(out).toContain(String.raw`CN=a\1b[2J\0aok\e2\80\aeb`);
  expect(out).not.toMatch(/[\u001B\u009B\u202E]/);
  expect(out.split('\n').every((line) => line.length < 1000)).toBe(true);
  const { steps } = await examine({ certificate, args: ['--rule', rule] });
  expect(steps.at(-1)).toMatchObject({ step: 'rule', outcome: 'fails' });
});

test('nor does the name of a file', async () => {
  const directory = temporaryDirectory();
  const name = 'x\nok       chain        CN=x.pem';
  const { [name]: file } = writeMaterial(directory, { [name]: client1.pem });
  const { out } = await runCommand(['doctor', '--cert', file]);
  expect(out).toContain(String.raw`x\nok       chain`);
  expect(out).not.toMatch(/^ok {7}chain/m);
});

describe('unreadable inputs', () => {
  test('are reported together on one line with the remedies, and exit code 3', async () => {
    const directory = temporaryDirectory();
    const { code, out, err } = await runCommand([
      ...['doctor', '--cert', join(directory, 'a'), '--key', join(directory, 'b')],
      ...['--ca', join(directory, 'c'), '--crl', join(directory, 'd')],
    ]);
    expect({ code, out }).toStrictEqual({ code: 3, out: '' });
    expect(err).toMatch(
      /^error: --cert: cannot read ".*a" \(ENOENT\): there is no such file; .*--key: .*--ca: .*--crl: .*\n$/,
    );
    expect(err.trimEnd()).not.toContain('\n');
  });

  test.each<[string, Given, RegExp]>([
    [
      'an encrypted key without its passphrase',
      { key: encrypted(client1) },
      /is encrypted; set its passphrase with --passphrase-file or EXPRESS_MTLS_KEY_PASSPHRASE/,
    ],
    [
      'an encrypted key with another passphrase',
      { key: encrypted(client1), env: { EXPRESS_MTLS_KEY_PASSPHRASE: 'wrong-secret' } },
      /cannot be decrypted with the passphrase that was given/,
    ],
    [
      'a certificate for a key',
      { key: client1.pem },
      /key\.pem: found a PEM block "CERTIFICATE" where a private key \("PRIVATE KEY"\) was expected/,
    ],
    [
      'a key for a certificate',
      { chain: client1.keyPem },
      /crt\.pem: found a PEM block "PRIVATE KEY" where a certificate/,
    ],
    ['an empty CRL', { crl: '' }, /crl\.pem \(--crl\) is empty/],
    ['a CRL for a CA', { ca: root.crl().pem }, /ca\.pem: found a PEM block "X509 CRL" where a certificate/],
  ])('%s', async (_what, given, message) => {
    const { code, out, err } = await run(given);
    expect({ code, out }).toStrictEqual({ code: 3, out: '' });
    expect(err).toMatch(message);
    expect(err).not.toContain('wrong-secret');
  });

  test('are reported as JSON too', async () => {
    const { code, err } = await run({ crl: '', args: ['--json'] });
    expect(code).toBe(3);
    expect(JSON.parse(err)).toMatchObject({ error: { code: 'ERR_MTLS_PEM_INVALID' } });
  });

  test('a folder without CRLs', async () => {
    const folder = join(temporaryDirectory(), 'crls');
    mkdirSync(folder);
    const { code, err } = await run({ crl: null, args: ['--crl', folder] });
    expect(code).toBe(3);
    expect(err).toMatch(/\(--crl\) is a directory without a CRL/);
  });
});

describe('files are read in every form that a server reads', () => {
  const crl = root.crl({ number: 4 });
  const trusted = (...settings: Buffer[]): string =>
    formatPem({ label: 'TRUSTED CERTIFICATE', der: Buffer.concat([root.der, sequence(...settings)]) });
  const forServers = trusted(sequence(oid(purposes.serverAuth)));

  test.each<[string, Given]>([
    ['byte order marks', { chain: `\ufeff${client1.pem}`, ca: `\ufeff${root.pem}`, crl: `\ufeff${crl.pem}` }],
    ['lines of dashes', { ca: `---- my CA ----\n${root.pem}-----------\n` }],
    ['trusted certificates', { ca: trusted() }],
    ['DER with a newline', { chain: Buffer.concat([client1.der, Buffer.from('\n')]) }],
    ['a key in SEC1 in DER', { key: client1.privateKey.export({ format: 'der', type: 'sec1' }) }],
  ])('%s', async (_what, given) => {
    expect(await examine(given)).toMatchObject({ code: 0, failing: [] });
  });

  test('CAs and CRLs in one file or folder', async () => {
    const folder = temporaryDirectory();
    const { both } = writeMaterial(folder, { 'a.pem': root.pem, 'b.pem': crl.pem, both: root.pem + crl.pem });
    for (const place of [both, folder]) {
      const { code, out, err } = await run({ ca: null, crl: null, args: ['--ca', place, '--crl', place] });
      expect({ code, err }).toStrictEqual({ code: 0, err: '' });
      expect(out).toMatch(/CRL number 4 of CN=ca, signature verified/);
    }
  });

  test('server CAs whose trust settings allow only servers', async () => {
    const { file } = writeMaterial(temporaryDirectory(), { file: forServers });
    expect(await run({ args: ['--server-ca', file] })).toMatchObject({ code: 0 });
  });

  test.each<[string, Given, RegExp]>([
    [
      'a CA that is not trusted for clients',
      { ca: forServers },
      /ca\.pem: a TRUSTED CERTIFICATE in it has trust settings that exclude clientAuth/,
    ],
    [
      'UTF-16',
      { crl: Buffer.from(crl.pem, 'utf16le') },
      /crl\.pem: it is text in UTF-16LE, [^]* iconv -f UTF-16LE/,
    ],
    [
      'a CA and a CRL in one file, given for the CA alone',
      { ca: root.pem + crl.pem },
      /ca\.pem: found a PEM block "X509 CRL" .*; add this source to --crl too/,
    ],
    [
      'a key with encryption of old',
      {
        key: formatPem({
          label: 'ENCRYPTED PRIVATE KEY',
          der: sequence(
            sequence(oid('1.2.840.113549.1.5.3'), sequence(octetString(Buffer.alloc(8)), integer(1))),
            octetString(Buffer.alloc(16)),
          ),
        }),
      },
      /key\.pem: the private key is encrypted with PBE-MD5-DES, which OpenSSL 3 does not support/,
    ],
  ])('%s is named', async (_what, given, message) => {
    const { code, err, out } = await run(given);
    // A CRL is set aside, and the rest judged.
    expect(code).toBe(given.crl === undefined ? 3 : 1);
    expect(err + out).toMatch(message);
  });
});

describe('called incorrectly', () => {
  const behind = (...args: readonly string[]): string[] => [
    ...['doctor', '--cert', 'x', '--key', 'x', '--behind', 'https://localhost'],
    ...args,
  ];
  test.each([
    [['doctor'], /required option '--cert <file>' not specified/],
    [['doctor', '--cert', 'x', 'http://localhost'], /Use a URL such as https:\/\/localhost:4433\/path;/],
    [['doctor', '--cert', 'x', 'https://a:b@localhost'], /without user name and password/],
    [['doctor', '--cert', 'x', '--method', 'get'], /Use a method such as GET or POST/],
    [['doctor', '--cert', 'x', '--rule', '{'], /the rule is not JSON/],
    [['doctor', '--cert', 'x', '--rule', '{"cn":"x"}'], /unknown field "cn"/],
    [behind(), /--behind and --listen need each other/],
    [['doctor', '--cert', 'x', '--listen', '8443'], /--behind and --listen need each other/],
    [behind('--listen', 'localhost'), /Use 127\.0\.0\.1:8443, \[::1\]:8443, 8443, or a path/],
    [behind('--listen', '127.0.0.1:0'), /Use 127\.0\.0\.1:8443/],
    [behind('--listen', '65536'), /Use 127\.0\.0\.1:8443/],
    [behind('--listen', '8443', '--listen-cert', 'x'), /--listen-cert and --listen-key need each other/],
    [
      ['doctor', '--cert', 'x', '--listen-cert', 'x', '--listen-key', 'x'],
      /--listen-cert needs --behind and --listen/,
    ],
    [behind('--listen', '8443', 'https://localhost'), /--behind and the argument url exclude each other/],
    [['doctor', '--cert', 'x', '--behind', 'https://localhost', '--listen', '8443'], /--behind needs --key/],
  ])('%j: exit code 2', async (args, message) => {
    const { code, out, err } = await runCommand(args);
    expect({ code, out }).toStrictEqual({ code: 2, out: '' });
    expect(err).toMatch(message);
  });
});

test('--help shows examples', async () => {
  const { code, out } = await runCommand(['doctor', '--help']);
  expect(code).toBe(0);
  expect(out).toContain('Usage: express-mtls doctor [options] [url]');
  expect(out).toContain('Examples:\n  $ express-mtls doctor --cert client1-crt.pem');
});

describe('--partial-chain', () => {
  const middle = root.intermediate('middle');
  const client = middle.client('client1');
  const crl = middle.crl({ number: 4 }).pem;

  test('makes a CA without its root a trust anchor, as on the server', async () => {
    const without = await examine({ certificate: client, ca: middle.pem, crl });
    expect(without).toMatchObject({ code: 1, verdict: { letIn: false } });
    expect(without.failing).toContain('ca');
    const found = await examine({ certificate: client, ca: middle.pem, crl, args: ['--partial-chain'] });
    expect(found).toMatchObject({ code: 0, verdict: { letIn: true } });
    expect(found.steps.find(({ step }) => step === 'chain')?.detail).toMatch(
      /^CN=client1, signed by CN=middle \(.*\.pem\), which is a trust anchor$/,
    );
  });

  test('ignores what the client sends after its certificate, as the server does', async () => {
    const below = middle.intermediate('below');
    const certificate = below.client('client1');
    const crls = crl + below.crl().pem;
    const args = ['--partial-chain'];
    const found = await examine({ certificate, ca: middle.pem, crl: crls, args });
    expect(found.verdict).toMatchObject({ letIn: false, reason: 'untrusted' });
    expect(found.steps.map(({ detail }) => detail)).toContain(
      "a server with partialChain: 'allow' ignores the certificates after it: add those that it needs to --ca",
    );
    const configured = await examine({ certificate, ca: middle.pem + below.pem, crl: crls, args });
    expect(configured.verdict).toMatchObject({ letIn: true });
  });
});
