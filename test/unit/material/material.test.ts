import { writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { type MtlsError } from '../../../src/errors.js';
import { type MtlsOptions } from '../../../src/server/options.js';
import { type Materials } from '../../../src/material/material.js';
import { ca, largeCrl, selfSigned } from '../../support/chain.js';
import { formatPem } from '../../../src/x509/pem.js';
import type { CrlMaterial } from '../../support/crl.js';
import { element, sequence } from '../../support/der-writer.js';
import { temporaryDirectory, writeMaterial } from '../../support/files.js';
import { day, fromNow, minute } from '../../support/lists.js';
import { load, root, server, settingsOf } from './readings.js';

const east = root.intermediate('east');

async function material(options: Partial<MtlsOptions> = {}): Promise<Materials> {
  return (await load(options)).materials;
}

async function fault(options: Partial<MtlsOptions>, inForce?: Materials): Promise<MtlsError> {
  return await load(options, inForce).then(
    () => {
      throw new Error('was loaded');
    },
    (error: unknown) => error as MtlsError,
  );
}

describe('the content of the sources', () => {
  test('is key, certificate, CAs and CRLs, checked as one', async () => {
    const crl = [root.crl({ number: 3 }).pem, east.crl({ number: 4 }).pem];
    const loaded = await load({ ca: [root.pem, east.der], crl });
    const { credentials, trust } = loaded.materials.main;
    const { store, revocation } = trust;
    expect(credentials).toMatchObject({ key: server.keyPem, cert: server.pem });
    expect(store.certificates.map(({ raw }) => raw)).toEqual([root.der, east.der]);
    expect(revocation?.crls.map(({ crl: { number }, origin }) => [number, origin])).toEqual([
      [3n, 'options.crl[0]'],
      [4n, 'options.crl[1]'],
    ]);
    expect(loaded.diff).toEqual({ added: 0, removed: 0 });
    expect(Object.isFrozen(loaded.materials.main)).toBe(true);
  });

  test('is checked by the policy', async () => {
    const { main } = await material({ crl: root.crl().pem, revocation: { scope: 'leaf' } });
    expect(main.trust.revocation?.policy).toMatchObject({ scope: 'leaf', unknown: 'deny' });
  });

  test('revokes no client without a CRL', async () => {
    expect((await material()).main.trust.revocation).toBeUndefined();
  });

  test('can come from files, which reports name', async () => {
    const paths = writeMaterial(temporaryDirectory(), {
      key: server.keyPem,
      cert: server.pem,
      ca: root.pem,
      crl: root.crl().pem,
    });
    expect((await material(paths)).main.trust.revocation?.crls[0]?.origin).toBe(paths.crl);
  });

  test('is the newest CRL of each scope', async () => {
    const crl = [root.crl({ number: 4 }).pem, root.crl({ number: 5 }).pem, root.crl({ number: 3 }).pem];
    expect((await material({ crl })).main.trust.revocation?.crls.map((one) => one.crl.number)).toEqual([5n]);
  });

  test('counts the entries at first', async () => {
    const { diff } = await load({ crl: root.crl({ revoked: [{ serial: '0a' }, { serial: '0b' }] }).pem });
    expect(diff).toEqual({ added: 2, removed: 0 });
  });

  test('is read at the time of the clock', async () => {
    const later = fromNow(20 * 365 * day);
    const error = await fault({ now: () => later.getTime() });
    expect(error.message).toContain(`says ${later.toISOString()}`);
  });
});

describe('CAs and CRLs can be together if both options name the source', () => {
  const crl = root.crl({ number: 1, revoked: [{ serial: '0a' }] });
  const both = root.pem + crl.pem + east.pem;

  function expectBoth({ main: { trust } }: Materials, number = 1n): void {
    expect(trust.store.certificates.map(({ raw }) => raw)).toContainEqual(root.der);
    expect(trust.revocation?.crls.map((one) => one.crl.number)).toEqual([number]);
  }

  test('in one file', async () => {
    const { file } = writeMaterial(temporaryDirectory(), { file: both });
    expectBoth(await material({ ca: file, crl: file }));
    expectBoth(await material({ ca: [file, east.pem], crl: [relative('.', file)] }));
  });

  test('in one text or Buffer', async () => {
    expectBoth(await material({ ca: both, crl: both }));
    expectBoth(await material({ ca: both, crl: Buffer.from(both) }));
  });

  test('in one loader, file by file or in one', async () => {
    const together = { load: () => Promise.resolve([Buffer.from(both)]) };
    expectBoth(await material({ ca: together, crl: together }));
    const apart = { load: () => Promise.resolve([root.der, crl.der, Buffer.from(east.pem)]) };
    expectBoth(await material({ ca: apart, crl: apart }));
    expect((await fault({ crl: apart })).message).toContain('found a certificate in DER where a CRL');
  });

  test('in one directory, in PEM and DER', async () => {
    const directory = temporaryDirectory();
    const files = writeMaterial(directory, { 'a.pem': root.pem, 'b.der': east.der, 'c.pem': crl.pem });
    expectBoth(await material({ ca: directory, crl: directory }));
    // Each may also be named by itself.
    expectBoth(await material({ ca: directory, crl: files['c.pem'] }));
    expectBoth(await material({ ca: [files['a.pem'], files['b.der']], crl: directory }));
  });

  test('with large CRLs, which are read on another thread', async () => {
    const directory = temporaryDirectory();
    const large = largeCrl(root, { entries: 20_000, number: 7 });
    const pem = formatPem({ label: 'X509 CRL', der: large.der });
    const files = writeMaterial(directory, { 'a.pem': root.pem + pem, 'b.pem': east.pem });
    const { main } = await material({ ca: directory, crl: directory });
    expect(main.trust.revocation?.crls[0]?.crl.entryCount).toBe(20_000);
    expectBoth(await material({ ca: files['a.pem'], crl: files['a.pem'] }), 7n);
  });

  test('and a new CRL in the file is not a new CA', async () => {
    const { file } = writeMaterial(temporaryDirectory(), { file: both });
    const inForce = await material({ ca: file, crl: file });
    writeFileSync(file, root.pem + root.crl({ number: 2 }).pem + east.pem);
    const { materials: next, diff } = await load({ ca: file, crl: file }, inForce);
    expectBoth(next, 2n);
    expect(next.main.trust.store).toBe(inForce.main.trust.store);
    expect(diff).toEqual({ added: 0, removed: 1 });
  });

  test('but a CRL that only `ca` names is not silently ignored', async () => {
    const { file, other } = writeMaterial(temporaryDirectory(), { file: both, other: crl.pem });
    const message = expect.stringMatching(
      /found a PEM block "X509 CRL" where a certificate \("CERTIFICATE"\) was expected; add this source to options\.crl too/,
    );
    for (const options of [{ ca: file }, { ca: file, crl: other }, { ca: both, crl: crl.pem }])
      expect(await fault(options)).toMatchObject({ code: 'ERR_MTLS_PEM_INVALID', message });
  });

  test('and a certificate that only `crl` names is not trusted', async () => {
    const { main } = await material({ crl: ca('other').pem + crl.pem });
    expect(main.trust.store.certificates.map(({ raw }) => raw)).toEqual([root.der]);
  });

  test.each<[string, () => Partial<MtlsOptions>, string]>([
    [
      'no CRL',
      () => {
        const { file } = writeMaterial(temporaryDirectory(), { file: root.pem });
        return { ca: file, crl: file };
      },
      'found a PEM block "CERTIFICATE" where a CRL ("X509 CRL") was expected; remove it from this source',
    ],
    [
      'no CRL in a directory',
      () => {
        const directory = temporaryDirectory();
        writeMaterial(directory, { 'a.pem': root.pem });
        return { ca: directory, crl: directory };
      },
      'found a PEM block "CERTIFICATE" where a CRL ("X509 CRL") was expected; remove it from this source',
    ],
    [
      'no CA',
      () => {
        const { file } = writeMaterial(temporaryDirectory(), { file: crl.pem });
        return { ca: file, crl: file };
      },
      'found a PEM block "X509 CRL" where a certificate ("CERTIFICATE") was expected; remove it from this source',
    ],
    [
      'no CA in a directory',
      () => {
        const directory = temporaryDirectory();
        writeMaterial(directory, { 'a.pem': crl.pem });
        return { ca: directory, crl: directory };
      },
      'found a PEM block "X509 CRL" where a certificate ("CERTIFICATE") was expected; remove it from this source',
    ],
    [
      'a key',
      () => {
        const { file } = writeMaterial(temporaryDirectory(), { file: both + root.keyPem });
        return { ca: file, crl: file };
      },
      'found a PEM block "PRIVATE KEY" where a certificate ("CERTIFICATE") was expected; remove it from this source',
    ],
    [
      'a key in a directory',
      () => {
        const directory = temporaryDirectory();
        writeMaterial(directory, { 'a.pem': both, 'key.pem': root.keyPem });
        return { ca: directory, crl: directory };
      },
      'found a PEM block "PRIVATE KEY" where a certificate ("CERTIFICATE") was expected; remove it from this source',
    ],
    [
      'a file in a directory of CRLs that no CA is read from',
      () => {
        const directory = temporaryDirectory();
        writeMaterial(directory, { 'a.pem': root.pem, 'b.pem': crl.pem });
        return { crl: directory };
      },
      'found a PEM block "CERTIFICATE" where a CRL ("X509 CRL") was expected; remove it from this source',
    ],
  ])('and it is a fault if there is %s', async (_what, options, message) => {
    expect((await fault(options())).message).toContain(message);
  });
});

describe('a CA is rejected', () => {
  test.each<[string, string, RegExp]>([
    [
      'that is a client',
      root.client('client1').pem,
      /^options\.ca: "CN=client1" is not a CA \(its basicConstraints lack CA:TRUE\); use the certificate of the CA that issued the client certificates, not a client or server certificate$/,
    ],
    ['that is self-signed and no CA', selfSigned('client1').pem, /^options\.ca: "CN=client1" is not a CA /],
    [
      'that does not say that it is one',
      ca({ isCa: null, keyUsage: ['keyCertSign'] }).pem,
      /^options\.ca: "CN=root" is not a CA /,
    ],
    [
      'that is of version 1 and not self-signed',
      root.intermediate({ commonName: 'east', version: 1 }).pem,
      /^options\.ca: "CN=east" is of X\.509 version 1 and not self-signed, so it cannot declare itself a CA; use the certificate/,
    ],
    [
      'without its root',
      east.pem,
      /^options\.ca: no certificate in it leads to a self-signed root, so no client could be trusted; add the root, which admits clients of every CA below it unless /,
    ],
  ])('%s', async (_what, pem, message) => {
    const error = await fault({ ca: pem });
    expect(error.code).toBe('ERR_MTLS_CA_INVALID');
    expect(error.message).toMatch(message);
  });

  test('whose encoding is invalid, with its position in the bundle, the field, the octets and the remedy', async () => {
    // BOOLEAN TRUE as 01, which BER allows.
    const value = sequence(element(1, Buffer.from([1])));
    const odd = ca({ isCa: null, extraExtensions: [{ oid: '2.5.29.19', critical: true, value }] });
    const error = await fault({ ca: root.pem + odd.pem });
    expect(error.code).toBe('ERR_MTLS_PEM_INVALID');
    expect(error.message).toMatch(
      /^options\.ca: number 2 of 2: certificate has a BOOLEAN of "01", where DER writes 00 for false and ff for true \(X\.690 section 11\.1\), at byte \d+, in the extension basicConstraints \(2\.5\.29\.19\); .+: fetch it again, or have it reissued$/,
    );
    expect((await fault({ ca: odd.pem })).message).toMatch(/^options\.ca: certificate has a BOOLEAN of "01"/);
  });

  test('among valid ones', async () => {
    const error = await fault({ ca: [root.pem, root.client('client1').pem] });
    expect(error.message).toMatch(/^options\.ca\[1\]: "CN=client1" is not a CA /);
  });

  test('that has expired, if there is no other', async () => {
    const dates = { notBefore: fromNow(-3 * day), notAfter: fromNow(-2 * day) };
    const [first, second] = [
      ca({ commonName: 'first', ...dates }),
      ca({ commonName: 'second', ...dates, notAfter: fromNow(-day) }),
    ];
    const error = await fault({ ca: [first.pem, second.pem] });
    expect(error).toMatchObject({
      code: 'ERR_MTLS_CA_INVALID',
      message: `options.ca[0], options.ca[1]: every CA in it has expired, the last at ${second.notAfter.toISOString()}; create a new CA`,
    });
    await expect(material({ ca: [first.pem, root.pem] })).resolves.toBeDefined();
  });

  test('that cannot be read', async () => {
    const damaged = `-----BEGIN CERTIFICATE-----\n${Buffer.alloc(99, 1).toString('base64')}\n-----END CERTIFICATE-----\n`;
    expect(await fault({ ca: root.pem + damaged })).toMatchObject({
      code: 'ERR_MTLS_PEM_INVALID',
      message: expect.stringMatching(/^options\.ca: /),
      cause: { code: 'ERR_MTLS_CERTIFICATE_INVALID' },
    });
    expect(await fault({ ca: root.keyPem })).toMatchObject({ code: 'ERR_MTLS_PEM_INVALID' });
  });

  test('but not for signing only CRLs', async () => {
    const agent = root.intermediate({ commonName: 'agent', isCa: false, keyUsage: ['cRLSign'] });
    await expect(material({ ca: [root.pem, agent.pem] })).resolves.toBeDefined();
    const versionOne = ca({ version: 1 });
    await expect(material({ ca: versionOne.pem })).resolves.toBeDefined();
  });
});

describe('a CRL is rejected', () => {
  const expired = { thisUpdate: fromNow(-2 * day), nextUpdate: fromNow(-day) };
  test.each<[string, string | Buffer, string]>([
    ['of another CA', ca('other').crl().pem, 'ERR_MTLS_CRL_ISSUER_UNKNOWN'],
    ['that is forged', root.crl({ signWith: ca().privateKey }).pem, 'ERR_MTLS_CRL_SIGNATURE_INVALID'],
    [
      'that is stale',
      root.crl({ thisUpdate: fromNow(-2 * day), nextUpdate: fromNow(-day) }).pem,
      'ERR_MTLS_CRL_EXPIRED',
    ],
    ['that is not in force yet', root.crl({ thisUpdate: fromNow(minute) }).pem, 'ERR_MTLS_CRL_INVALID'],
    ['that is signed with SHA-1', root.crl({ hash: 'sha1' }).pem, 'ERR_MTLS_CRL_UNSUPPORTED'],
    ['that is a certificate', root.pem, 'ERR_MTLS_CRL_INVALID'],
    ['that is damaged', root.crl().der.subarray(0, -1), 'ERR_MTLS_CRL_INVALID'],
  ])('%s', async (_what, crl, code) => {
    const beside = code === 'ERR_MTLS_CRL_EXPIRED' ? east.crl().pem : root.crl().pem;
    expect(await fault({ ca: [root.pem, east.pem], crl: [beside, crl] })).toMatchObject({
      code,
      message: expect.stringMatching(/^options\.crl\[1\]: /),
    });
  });

  test('but not for having expired, if there is a newer one of its scope', async () => {
    const old = root.crl({ number: 1, ...expired }).pem;
    const delta = root.crl({ number: 2, delta: 1, ...expired }).pem;
    const loaded = await material({ crl: [old, delta, root.crl({ number: 3 }).pem] });
    expect(loaded.main.trust.revocation?.crls.map(({ crl }) => crl.number)).toEqual([3n]);
    // A CRL from the future replaces nothing.
    expect(await fault({ crl: [old, root.crl({ number: 3, thisUpdate: fromNow(day) }).pem] })).toMatchObject({
      errors: [{ code: 'ERR_MTLS_CRL_EXPIRED' }, { code: 'ERR_MTLS_CRL_INVALID' }],
    });
  });

  test.each<[string, () => readonly CrlMaterial[]]>([
    ['beside its base', () => [root.crl({ number: 1 }), root.crl({ number: 2, delta: 1, ...expired })]],
    [
      'beside another to another base',
      () => [
        root.crl({ number: 1 }),
        root.crl({ number: 2, delta: 1, ...expired }),
        root.crl({ number: 4, delta: 3 }),
      ],
    ],
    ['without its base', () => [east.crl(), root.crl({ number: 2, delta: 1, ...expired })]],
  ])('but not a delta for having expired, %s, both at start and at a reload', async (_where, lists) => {
    const cas = [root.pem, east.pem];
    const given = lists();
    const started = await material({ ca: cas, crl: given.map(({ pem }) => pem) });
    const inForce = await material({ ca: cas, crl: given.slice(0, 1).map(({ pem }) => pem) });
    const { materials: reloaded } = await load({ ca: cas, crl: given.map(({ pem }) => pem) }, inForce);
    for (const { main } of [started, reloaded])
      expect(main.trust.revocation?.crls.map(({ raw }) => raw)).toEqual(given.map(({ der }) => der));
  });

  test('if it has expired and a delta to it has not', async () => {
    const crl = [root.crl({ number: 1, ...expired }).pem, root.crl({ number: 2, delta: 1 }).pem];
    expect(await fault({ crl })).toMatchObject({ code: 'ERR_MTLS_CRL_EXPIRED' });
  });

  test('unless the policy allows it', async () => {
    const stale = root.crl({ thisUpdate: fromNow(-2 * day), nextUpdate: fromNow(-day) }).pem;
    await expect(material({ crl: stale, revocation: { stale: 'allow' } })).resolves.toBeDefined();
    await expect(material({ crl: stale, revocation: { graceMs: 2 * day } })).resolves.toBeDefined();
    const weak = root.crl({ hash: 'sha1' }).pem;
    await expect(material({ crl: weak, revocation: { weakSignature: 'allow' } })).resolves.toBeDefined();
  });
});

describe('all faults are reported together', () => {
  test('of the files', async () => {
    const directory = temporaryDirectory();
    const at = (name: string): string => join(directory, name);
    const error = await fault({
      key: at('key'),
      cert: at('cert'),
      ca: [at('ca1'), at('ca2')],
      crl: root.crl().pem,
    });
    expect(error.code).toBe('ERR_MTLS_SOURCE_UNREADABLE');
    const lines = error.message.split('\n');
    expect(lines).toHaveLength(4);
    for (const [index, option] of ['key', 'cert', 'ca[0]', 'ca[1]'].entries())
      expect(lines[index]).toContain(`options.${option}: cannot read`);
  });

  test('of key and CAs', async () => {
    const error = await fault({ key: root.server().keyPem, ca: east.pem });
    expect(error.code).toBe('ERR_MTLS_KEY_MISMATCH');
    expect(error.message.split('\n')).toEqual([
      expect.stringContaining('does not belong to the certificate'),
      expect.stringContaining('no certificate in it leads to a self-signed root'),
    ]);
    expect(error.errors).toMatchObject([{ code: 'ERR_MTLS_KEY_MISMATCH' }, { code: 'ERR_MTLS_CA_INVALID' }]);
  });

  test('a single fault is reported unchanged', async () => {
    const error = await fault({ key: join(temporaryDirectory(), 'missing') });
    expect(error.cause).toMatchObject({ code: 'ENOENT' });
    expect(error.message).not.toContain('\n');
  });

  test('any other error is thrown unchanged', async () => {
    const defect = new TypeError('x is not a function');
    const now = (): number => {
      throw defect;
    };
    expect(await fault({ now })).toBe(defect);
  });
});

describe('a later reading', () => {
  const crl = root.crl({ number: 1 }).pem;
  const renewed = root.server();

  test('of unchanged sources is what was in force', async () => {
    const inForce = await material({ crl });
    const again = await load({ crl }, inForce);
    expect(again.materials).toBe(inForce);
    expect(again.diff).toEqual({ added: 0, removed: 0 });
    const withoutCrl = await material();
    expect((await load({}, withoutCrl)).materials).toBe(withoutCrl);
  });

  test('of a file that was only touched is what was in force', async () => {
    const paths = writeMaterial(temporaryDirectory(), { ca: root.pem, crl });
    const inForce = await material(paths);
    writeFileSync(paths.crl, crl);
    expect((await load(paths, inForce)).materials).toBe(inForce);
  });

  test('reuses what did not change', async () => {
    const inForce = await material({ crl });
    const { materials: next } = await load({ crl, key: renewed.keyPem, cert: renewed.pem }, inForce);
    expect(next).not.toBe(inForce);
    expect(next.main.credentials?.cert).toBe(renewed.pem);
    expect(next.main.trust.store).toBe(inForce.main.trust.store);
    expect(next.main.trust.revocation).toBe(inForce.main.trust.revocation);
    const { materials: other } = await load({ crl: root.crl({ number: 2 }).pem }, inForce);
    expect(other.main.credentials).toBe(inForce.main.credentials);
    expect(other.main.trust.store).toBe(inForce.main.trust.store);
    expect(other.main.trust.revocation).not.toBe(inForce.main.trust.revocation);
  });

  test('keeps an unchanged CRL beside a changed one, with its load time', async () => {
    const cas = { ca: [root.pem, east.pem] };
    const inForce = await material({ ...cas, crl: [crl, east.crl({ number: 1 }).pem] });
    const { materials: next, diff } = await load(
      { ...cas, crl: [crl, east.crl({ number: 2, revoked: [{ serial: '0a' }] }).pem] },
      inForce,
    );
    expect(next.main.trust.revocation?.crls[0]).toBe(inForce.main.trust.revocation?.crls[0]);
    expect(next.main.trust.revocation?.crls[1]).not.toBe(inForce.main.trust.revocation?.crls[1]);
    expect(diff).toEqual({ added: 1, removed: 0 });
  });

  test('counts added and removed entries', async () => {
    const list = (number: number, ...serials: string[]): Partial<MtlsOptions> => ({
      crl: root.crl({ number, revoked: serials.map((serial) => ({ serial })) }).pem,
    });
    const inForce = await material(list(1, '0a', '0b', '0c'));
    expect((await load(list(2, '0c', '0d'), inForce)).diff).toEqual({ added: 1, removed: 2 });
  });

  test('with other CAs verifies every CRL with those', async () => {
    const inForce = await material({ crl });
    const { materials: next } = await load({ ca: [root.pem, ca('other').pem], crl }, inForce);
    expect(next.main.trust.store).not.toBe(inForce.main.trust.store);
    expect(next.main.trust.revocation?.crls).toHaveLength(1);
    expect(next.main.trust.revocation?.crls[0]?.loadedAt).toEqual(
      inForce.main.trust.revocation?.crls[0]?.loadedAt,
    );
    const stranger = ca('stranger');
    expect(await fault({ ca: stranger.pem, crl }, inForce)).toMatchObject({
      code: 'ERR_MTLS_CRL_ISSUER_UNKNOWN',
    });
    const twin = ca({ commonName: 'root', subjectKeyId: root.keyId });
    expect(await fault({ ca: twin.pem, crl }, inForce)).toMatchObject({
      code: 'ERR_MTLS_CRL_SIGNATURE_INVALID',
    });
  });

  test('with a removed CA drops its revocations', async () => {
    const cas = { ca: [root.pem, east.pem] };
    const inForce = await material({ ...cas, crl: [crl, east.crl({ revoked: [{ serial: '0a' }] }).pem] });
    const { materials: next } = await load({ crl }, inForce);
    expect(next.main.trust.revocation?.crls).toHaveLength(1);
  });

  test('of a CRL in force that has expired is not a fault while nothing changes', async () => {
    const nextUpdate = fromNow(day);
    const options = { crl: root.crl({ nextUpdate }).pem };
    const inForce = await material(options);
    const later = { ...options, now: () => nextUpdate.getTime() };
    expect((await load(later, inForce)).materials).toBe(inForce);
  });

  describe('without a partition that was in force', () => {
    const then = fromNow(-10 * minute);
    const users = { onlyUser: true };
    const full = root.crl({ number: 1, thisUpdate: then }).pem;
    const listed = { revoked: [{ serial: '0a' }] };
    const partition = root.crl({ number: 9, thisUpdate: then, idp: users, ...listed }).pem;

    test('accepts a full CRL of its CA that was issued later', async () => {
      const inForce = await material({ crl: full + partition });
      const next = await load({ crl: root.crl({ number: 2, ...listed }).pem }, inForce);
      expect(next.materials.main.trust.revocation?.crls.map(({ crl: { number } }) => number)).toEqual([2n]);
      expect(next.diff).toEqual({ added: 1, removed: 0 });
    });

    test('accepts an equally old one that lists the same, but none that lists less or is older', async () => {
      const same = root.crl({ number: 2, thisUpdate: then, ...listed }).pem;
      const inForce = await material({ crl: same + partition });
      await expect(load({ crl: same }, inForce)).resolves.toMatchObject({ diff: { added: 0, removed: 0 } });
      const less = await material({ crl: full + partition });
      expect(await fault({ crl: full }, less)).toMatchObject({
        code: 'ERR_MTLS_CRL_ROLLBACK',
        message: expect.stringContaining('was not issued later'),
      });
    });

    test('for certificates of another CA, accepts a full CRL unless a certificate would become unknown or admitted', async () => {
      const cas = { ca: [root.pem, east.pem] };
      const indirect = root.crl({ thisUpdate: then, idp: { indirect: true } }).pem;
      const ofEast = east.crl().pem;
      const later = root.crl({ number: 2 }).pem;
      const inForce = await material({ ...cas, crl: [full, ofEast, indirect] });
      await expect(load({ ...cas, crl: [later, ofEast] }, inForce)).resolves.toBeDefined();
      expect(
        await fault({ ...cas, crl: [later, ofEast], revocation: { unknown: 'allow' } }, inForce),
      ).toMatchObject({ code: 'ERR_MTLS_CRL_ROLLBACK' });
      const needed = await material({ ...cas, crl: [full, indirect] });
      expect(await fault({ ...cas, crl: later }, needed)).toMatchObject({ code: 'ERR_MTLS_CRL_ROLLBACK' });
    });
  });

  test('rejects an expired delta that lists less than the one in force, unless the policy allows it', async () => {
    const base = root.crl({ number: 1, thisUpdate: fromNow(-3 * day) }).pem;
    const held = root.crl({
      number: 2,
      delta: 1,
      thisUpdate: fromNow(-2 * day),
      revoked: [{ serial: '0a' }],
    }).pem;
    const dates = { thisUpdate: fromNow(-day), nextUpdate: fromNow(-minute) };
    const silent = root.crl({ number: 3, delta: 1, ...dates }).pem;
    const inForce = await material({ crl: [base, held] });
    const next = { crl: [base, silent] };
    expect(await fault(next, inForce)).toMatchObject({ code: 'ERR_MTLS_CRL_ROLLBACK' });
    for (const revocation of [{ stale: 'allow' }, { graceMs: day }] as const)
      await expect(load({ ...next, revocation }, inForce)).resolves.toMatchObject({ diff: { removed: 1 } });
  });

  test('of a large CRL does not pack it again', async () => {
    const options = { crl: largeCrl(root, { entries: 20_000 }).der };
    const inForce = await material(options);
    const { materials: next } = await load({ ...options, ca: [root.pem, ca('other').pem] }, inForce);
    expect(next.main.trust.revocation?.crls[0]).toBe(inForce.main.trust.revocation?.crls[0]);
  });
});

test('loaded material does not change with the options object', async () => {
  const bytes = Buffer.from(root.pem);
  const settings = settingsOf({ ca: bytes });
  const loaded = await material({ ca: bytes });
  bytes.fill(0x20);
  expect(loaded.main.trust.store.certificates[0]?.raw).toEqual(root.der);
  expect(settings.ca[0]).toBe(bytes);
});
