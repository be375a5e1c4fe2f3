import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { loadRevocation, type LoadRevocationOptions } from '../../src/revocation-engine.js';
import { formatPem, parsePem } from '../../src/x509/pem.js';
import { ca, largeCrl } from '../support/chain.js';
import { temporaryDirectory, writeMaterial } from '../support/files.js';
import { distinguishedName } from '../support/names.js';
import { day, fromNow, minute } from '../support/lists.js';

const root = ca('root');
const east = root.intermediate('east');
const client = east.client('client1');
const cas = root.pem + east.pem;
const chain = [client.x509, east.x509, root.x509];

async function verdict(options: LoadRevocationOptions): Promise<string> {
  const status = (await loadRevocation(options)).check(chain);
  return status.status === 'unknown' ? status.cause : status.status;
}

test('unknown options are rejected, not silently ignored', async () => {
  const options = { ca: cas, crl: root.crl().pem, revocation: { unknown: 'allow' } };
  await expect(loadRevocation(options as LoadRevocationOptions)).rejects.toMatchObject({
    code: 'ERR_MTLS_OPTION_INVALID',
    message: expect.stringContaining('unknown key "revocation"; known are ca, crl, policy, now'),
  });
});

describe('a chain', () => {
  test('that no CRL lists is good', async () => {
    const revocation = await loadRevocation({ ca: cas, crl: [root.crl().pem, east.crl().pem] });
    expect(revocation.check(chain)).toEqual({ status: 'good' });
    expect(revocation.rejected).toEqual([]);
  });

  test('can be only the leaf, if the CAs are configured', async () => {
    const crl = [root.crl().pem, east.crl({ revoked: [client] }).pem];
    expect((await loadRevocation({ ca: cas, crl })).check([client.x509]).status).toBe('revoked');
    expect((await loadRevocation({ ca: cas, crl: crl.slice(0, 1) })).check([client.x509])).toEqual({
      status: 'unknown',
      cause: 'no-crl',
    });
    const good = await loadRevocation({ ca: cas, crl: [root.crl().pem, east.crl().pem] });
    expect(good.check([client.x509])).toEqual({ status: 'good' });
  });

  test('is checked with the other CRLs if a valid one cannot be indexed', async () => {
    const revoked = Array.from({ length: 4097 }, (_, number) => ({
      serial: '0a',
      certificateIssuer: distinguishedName({ commonName: String(number) }),
    }));
    const { check, rejected } = await loadRevocation({
      ca: cas,
      crl: [root.crl().pem, root.crl({ idp: { indirect: true }, revoked }).pem, east.crl().pem],
    });
    expect(rejected).toMatchObject([
      { source: 'options.crl[1]', error: { code: 'ERR_MTLS_CRL_UNSUPPORTED' } },
    ]);
    expect(check(chain)).toEqual({ status: 'good' });
  });

  test('can contain intermediate CAs that are not configured', async () => {
    // The CRL of such a CA cannot be verified, but those above it can judge the CA itself.
    const { check, rejected } = await loadRevocation({
      ca: root.pem,
      crl: [root.crl({ revoked: [east] }).pem, east.crl().pem],
    });
    expect(check([client.x509])).toEqual({ status: 'unknown', cause: 'no-issuer' });
    expect(check(chain)).toEqual({ status: 'unknown', cause: 'no-crl' });
    expect(check([east.x509]).status).toBe('revoked');
    expect(rejected.map(({ error }) => error.code)).toEqual(['ERR_MTLS_CRL_ISSUER_UNKNOWN']);
  });

  test('is reported with the revoked certificate, date, reason and CRL', async () => {
    const date = new Date('2024-05-06T07:08:09Z');
    const revoked = [{ serial: east.serialContent, date, reason: 'cACompromise' as const }];
    const { check } = await loadRevocation({
      ca: cas,
      crl: [root.crl({ revoked, number: 2n ** 64n }).pem, east.crl().pem],
    });
    const status = check(chain);
    expect(status).toEqual({
      status: 'revoked',
      certificate: east.x509,
      reason: 'cACompromise',
      revocationDate: date,
      crlNumber: '18446744073709551616',
    });
    expect(status.status === 'revoked' && status.certificate).toBe(east.x509);
    const alone = check([client.x509]);
    expect(alone.status === 'revoked' && alone.certificate.raw).toEqual(east.der);
  });

  test('is reported without a number if the CRL has none', async () => {
    const crl = east.crl({ revoked: [client], number: null }).pem;
    const { check } = await loadRevocation({ ca: cas, crl });
    expect(check(chain)).toMatchObject({ status: 'revoked', crlNumber: undefined });
  });

  test('of another root is unknown', async () => {
    const stranger = ca('root').client();
    const { check } = await loadRevocation({ ca: cas, crl: [root.crl().pem, east.crl().pem] });
    expect(check([stranger.x509])).toEqual({ status: 'unknown', cause: 'no-issuer' });
    expect(check([stranger.x509, root.x509])).toEqual({ status: 'unknown', cause: 'no-issuer' });
  });

  test('that is empty is an error', async () => {
    const { check } = await loadRevocation({ ca: cas, crl: root.crl().pem });
    expect(() => check([])).toThrow(
      expect.objectContaining({
        code: 'ERR_MTLS_OPTION_INVALID',
        message: 'the chain is empty; expected the leaf first',
      }),
    );
  });
});

test('an invalid date is an error', async () => {
  const { check } = await loadRevocation({ ca: cas, crl: root.crl().pem });
  expect(() => check(chain, new Date(NaN))).toThrow(
    expect.objectContaining({
      code: 'ERR_MTLS_OPTION_INVALID',
      message: 'the date to check at is invalid',
    }),
  );
});

describe('the moment', () => {
  const nextUpdate = fromNow(day);
  const crl = [root.crl({ nextUpdate }).pem, east.crl({ nextUpdate }).pem];

  test('is now, by the given clock', async () => {
    let now = Date.now();
    const { check } = await loadRevocation({ ca: cas, crl, now: () => now });
    expect(check(chain).status).toBe('good');
    now = nextUpdate.getTime();
    expect(check(chain)).toEqual({ status: 'unknown', cause: 'crl-expired' });
  });

  test('is now without a clock', async () => {
    const { check, crls } = await loadRevocation({ ca: cas, crl });
    expect(check(chain).status).toBe('good');
    expect(Math.abs(crls[0]!.loadedAt.getTime() - Date.now())).toBeLessThan(minute);
  });

  test('can be another one', async () => {
    const { check } = await loadRevocation({ ca: cas, crl });
    expect(check(chain, new Date(nextUpdate.getTime() - 1)).status).toBe('good');
    expect(check(chain, nextUpdate)).toEqual({ status: 'unknown', cause: 'crl-expired' });
  });
});

describe('the policy', () => {
  test('is validated', async () => {
    const load = loadRevocation({ ca: cas, crl: root.crl().pem, policy: { stale: 'no' as 'deny' } });
    await expect(load).rejects.toThrow(`revocation.stale is "no"; expected one of 'deny', 'allow'`);
  });

  test('decides', async () => {
    const crl = [east.crl().pem];
    expect(await verdict({ ca: cas, crl })).toBe('no-crl');
    expect(await verdict({ ca: cas, crl, policy: { scope: 'leaf' } })).toBe('good');
    expect(await verdict({ ca: cas, crl, policy: { unknown: 'allow' } })).toBe('good');
  });

  test('decides on weak signatures', async () => {
    const crl = [root.crl().pem, east.crl({ hash: 'sha1' }).pem];
    expect(await verdict({ ca: cas, crl })).toBe('no-crl');
    expect(await verdict({ ca: cas, crl, policy: { weakSignature: 'allow' } })).toBe('good');
  });
});

describe('where CRLs come from', () => {
  const crls = [root.crl(), east.crl({ revoked: [client] })];
  const [ofRoot, ofEast] = crls as [(typeof crls)[0], (typeof crls)[0]];

  test('files and directories, PEM and DER, Buffers and loaders', async () => {
    const directory = temporaryDirectory();
    const paths = writeMaterial(directory, { 'ca.pem': cas, 'root.crl': ofRoot.der, 'east.pem': ofEast.pem });
    const lists = join(directory, 'lists');
    mkdirSync(lists);
    writeMaterial(lists, { 'root.crl': ofRoot.der, 'east.pem': ofEast.pem, 'README.md': 'not a CRL' });
    const bundle = ofRoot.pem + ofEast.pem;
    const sources: LoadRevocationOptions['crl'][] = [
      [paths['root.crl'], paths['east.pem']],
      lists,
      bundle,
      Buffer.from(bundle),
      [ofRoot.der, ofEast.pem],
      { load: () => Promise.resolve([ofRoot.der, Buffer.from(ofEast.pem)]) },
    ];
    for (const crl of sources) {
      const revocation = await loadRevocation({ ca: paths['ca.pem'], crl });
      expect(revocation.rejected).toEqual([]);
      expect(revocation.crls).toHaveLength(2);
      expect(revocation.check(chain).status).toBe('revoked');
    }
  });

  test('CAs may be several sources, too', async () => {
    const revocation = await loadRevocation({ ca: [root.pem, east.der], crl: [ofRoot.der, ofEast.der] });
    expect(revocation.check([client.x509]).status).toBe('revoked');
  });

  test('a large one is read like a small one', async () => {
    const large = largeCrl(east, { entries: 60_000, also: [client] });
    const revocation = await loadRevocation({ ca: cas, crl: [ofRoot.der, large.der] });
    expect(revocation.crls.map(({ entries }) => entries)).toEqual([0, 60_001]);
    expect(revocation.check(chain).status).toBe('revoked');
    expect(revocation.check([east.client().x509])).toEqual({ status: 'good' });
  });

  test('the newer of two with the same scope is used', async () => {
    const [older, newer] = [east.crl({ revoked: [client], number: 1 }).pem, east.crl({ number: 2 }).pem];
    for (const crl of [
      [ofRoot.pem, older, newer],
      [ofRoot.pem, newer, older],
    ]) {
      const revocation = await loadRevocation({ ca: cas, crl });
      expect(revocation.crls).toHaveLength(2);
      expect(revocation.check(chain).status).toBe('good');
    }
  });
});

describe('an unusable CRL is rejected and reported, and the others are used', () => {
  const good = [root.crl().pem, east.crl({ revoked: [client] }).pem];

  test.each<[string, string | Buffer, string]>([
    ['forged', root.crl({ number: 9, signWith: ca().privateKey }).pem, 'ERR_MTLS_CRL_SIGNATURE_INVALID'],
    ['of an unknown CA', ca('stranger').crl().pem, 'ERR_MTLS_CRL_ISSUER_UNKNOWN'],
    ['not in force yet', root.crl({ number: 9, thisUpdate: fromNow(day) }).pem, 'ERR_MTLS_CRL_INVALID'],
    ['damaged', Buffer.concat([root.crl().der, Buffer.from([0])]), 'ERR_MTLS_CRL_INVALID'],
    ['weak', root.crl({ number: 9, hash: 'sha1' }).pem, 'ERR_MTLS_CRL_UNSUPPORTED'],
  ])('because it is %s', async (_why, crl, code) => {
    const revocation = await loadRevocation({ ca: cas, crl: [crl, ...good] });
    expect(revocation.rejected).toMatchObject([{ source: 'options.crl[0]', error: { code } }]);
    expect(revocation.rejected[0]!.error.message).toMatch(/^options\.crl/);
    expect(Object.isFrozen(revocation.rejected) && Object.isFrozen(revocation.rejected[0])).toBe(true);
    expect(revocation.crls).toHaveLength(2);
    expect(revocation.check(chain).status).toBe('revoked');
  });

  test('named by its file', async () => {
    const { bad } = writeMaterial(temporaryDirectory(), { bad: ca('stranger').crl().pem });
    const { rejected } = await loadRevocation({ ca: cas, crl: bad });
    expect(rejected.map(({ source }) => source)).toEqual([bad]);
  });

  test('and without it no certificate is good', async () => {
    const crl = [root.crl().pem, east.crl({ signWith: ca().privateKey }).pem];
    expect(await verdict({ ca: cas, crl })).toBe('no-crl');
  });

  test('but not for having expired: it can still revoke', async () => {
    const stale = { thisUpdate: fromNow(-2 * day), nextUpdate: fromNow(-day) };
    const { check, rejected } = await loadRevocation({
      ca: cas,
      crl: [root.crl().pem, east.crl({ ...stale, revoked: [client] }).pem],
    });
    expect(rejected).toEqual([]);
    expect(check(chain).status).toBe('revoked');
    expect(check([east.client().x509])).toEqual({ status: 'unknown', cause: 'crl-expired' });
  });
});

describe('sources that cannot be read are an error, never nothing', () => {
  const empty = temporaryDirectory();
  const crl = root.crl().pem;
  test.each<[string, object, string]>([
    ['no CA', { ca: '', crl }, 'ERR_MTLS_OPTION_INVALID'],
    ['a CA that is not there', { ca: join(empty, 'no.pem'), crl }, 'ERR_MTLS_SOURCE_UNREADABLE'],
    ['a key for a CA', { ca: root.keyPem, crl }, 'ERR_MTLS_PEM_INVALID'],
    ['a CRL that is not there', { ca: cas, crl: join(empty, 'no.crl') }, 'ERR_MTLS_SOURCE_UNREADABLE'],
    ['a directory without CRLs', { ca: cas, crl: empty }, 'ERR_MTLS_CRL_INVALID'],
    ['a loader that gives nothing', { ca: cas, crl: { load: async () => [] } }, 'ERR_MTLS_SOURCE_UNREADABLE'],
  ])('%s', async (_what, options, code) => {
    await expect(loadRevocation(options as LoadRevocationOptions)).rejects.toMatchObject({ code });
  });

  test('and are reported with their option', async () => {
    const ca = join(empty, 'no.pem');
    await expect(loadRevocation({ ca, crl })).rejects.toThrow(`options.ca: cannot read "${ca}" (ENOENT)`);
  });

  test('and so is a CA that cannot be parsed, with its position', async () => {
    const damaged = Buffer.from(root.der);
    damaged[damaged.indexOf(Buffer.from('0101ff', 'hex')) + 2] = 1;
    const bundle = `${root.pem}${formatPem({ label: 'CERTIFICATE', der: damaged })}`;
    await expect(loadRevocation({ ca: bundle, crl })).rejects.toMatchObject({
      code: 'ERR_MTLS_PEM_INVALID',
      message: expect.stringMatching(/^options\.ca: number 2 of 2: certificate has a BOOLEAN of "01", /),
    });
  });

  test('an empty CRL file', async () => {
    const path = join(empty, 'empty.txt');
    writeFileSync(path, '');
    await expect(loadRevocation({ ca: cas, crl: path })).rejects.toMatchObject({
      code: 'ERR_MTLS_PEM_INVALID',
    });
  });

  test('text that is not PEM', async () => {
    expect(() => parsePem(Buffer.from('hello'), 'a')).toThrow('no PEM block');
    await expect(verdict({ ca: cas, crl: Buffer.from('hello') })).resolves.toBe('no-crl');
  });
});

test('the loaded CRLs are listed and frozen', async () => {
  const revocation = await loadRevocation({ ca: cas, crl: root.crl({ number: 3 }).pem });
  expect(Object.isFrozen(revocation)).toBe(true);
  expect(revocation.crls).toMatchObject([{ number: '3', source: 'options.crl', entries: 0 }]);
});

describe('regressions', () => {
  test.each<[string, object]>([
    ['no CRL', { crl: [] }],
    ['an empty list of CAs', { ca: [] }],
    ['CAs left out', { ca: undefined }],
    ['CRLs left out', { crl: undefined }],
  ])('%s is rejected with a code', async (_what, options) => {
    const load = loadRevocation({ ca: cas, crl: root.crl().pem, ...options });
    await expect(load).rejects.toMatchObject({ code: 'ERR_MTLS_OPTION_INVALID' });
  });
});

test('what either of two CRLs from the same second lists is revoked, in any order', async () => {
  const root = ca('root');
  const [left, right] = [root.client('left'), root.client('right')];
  const thisUpdate = new Date('2026-01-01T00:00:00Z');
  const nextUpdate = new Date('2036-01-01T00:00:00Z');
  const lists = [left, right].map(
    (client) => root.crl({ revoked: [client], number: 7, thisUpdate, nextUpdate }).der,
  );
  for (const crl of [lists, lists.toReversed()]) {
    const revocation = await loadRevocation({ ca: root.der, crl });
    for (const client of [left, right]) expect(revocation.check([client.x509]).status).toBe('revoked');
    expect(revocation.check([root.client('other').x509]).status).toBe('good');
  }
});
