/**
 * A SPIFFE trust bundle as a source of CAs.
 *
 * @module
 */
import { describe, expect, test } from '@jest/globals';
import { caFromSpiffeBundle } from 'express-mtls/sources';
import { type CertificateAuthority, ca } from '../support/chain.js';
import { temporaryDirectory, writeMaterial } from '../support/files.js';
import { publish, startServer, until } from '../support/server.js';

const { signal } = new AbortController();

const keyOf = ({ der }: Pick<CertificateAuthority, 'der'>): object => ({
  kty: 'EC',
  use: 'x509-svid',
  x5c: [der.toString('base64')],
});

const bundleOf = (cas: readonly CertificateAuthority[], more: object = {}): string =>
  JSON.stringify({ keys: cas.map(keyOf), ...more });

const loaderOf = (...texts: readonly (string | Buffer)[]) => ({
  load: () => Promise.resolve(texts.map((text) => Buffer.from(text))),
});

const [root, mesh] = [ca('ca'), ca('mesh')];

describe('a bundle', () => {
  test('gives the certificates of its X.509 authorities, and ignores other keys', async () => {
    const keys = [
      { kty: 'EC', use: 'jwt-svid', kid: 'x', x: 'AA', y: 'AA' },
      keyOf(root),
      { kty: 'EC', x5c: [ca('without-use').der.toString('base64')] },
      { kty: 'EC', use: 'later', x5c: 5 },
      null,
      keyOf(mesh),
    ];
    const loader = caFromSpiffeBundle(loaderOf(JSON.stringify({ keys, spiffe_sequence: 1 })));
    expect(await loader.load(signal)).toEqual([root.der, mesh.der]);
  });

  test('that did not change gives the same Buffers', async () => {
    const loader = caFromSpiffeBundle(loaderOf(bundleOf([root, mesh])));
    const before = await loader.load(signal);
    const after = await loader.load(signal);
    expect(after.every((bytes, index) => bytes === before[index])).toBe(true);
  });

  test('does not go back', async () => {
    let text = bundleOf([root], { spiffe_sequence: 7 });
    const loader = caFromSpiffeBundle({ load: () => Promise.resolve([Buffer.from(text)]) });
    await loader.load(signal);
    text = bundleOf([mesh], { spiffe_sequence: 6 });
    await expect(loader.load(signal)).rejects.toMatchObject({
      code: 'ERR_MTLS_SOURCE_UNREADABLE',
      seen: 'its spiffe_sequence 6 is lower than 7, which was read before',
    });
    text = bundleOf([mesh], { spiffe_sequence: 7 });
    expect(await loader.load(signal)).toEqual([mesh.der]);
  });

  test.each<[what: string, texts: readonly (string | Buffer)[], seen: RegExp]>([
    ['none', [], /other than one Buffer/],
    ['two', [bundleOf([root]), bundleOf([mesh])], /other than one Buffer/],
    ['PEM', [root.pem], /is not JSON/],
    ['invalid UTF-8', [Buffer.from([0x22, 0xff, 0x22])], /is not JSON/],
    ['null', ['null'], /no list of keys/],
    ['no keys', ['{"keys":{}}'], /no list of keys/],
    ['no X.509 authority', ['{"keys":[{"use":"jwt-svid"}]}'], /no X\.509 authority/],
    ['an empty list', ['{"keys":[]}'], /no X\.509 authority/],
    ['no certificate', ['{"keys":[{"use":"x509-svid"}]}'], /keys\[0\] has no x5c with one/],
    ['two certificates', ['{"keys":[{"use":"x509-svid","x5c":["AAAA","AAAA"]}]}'], /keys\[0\] has no x5c/],
    ['base64url', ['{"keys":[{"use":"x509-svid","x5c":["AA-_"]}]}'], /keys\[0\] has no x5c/],
    ['a sequence as text', [bundleOf([root], { spiffe_sequence: '7' })], /spiffe_sequence is not/],
    ['too many keys', [JSON.stringify({ keys: Array(1001).fill({}) })], /has 1001 keys/],
    ['too many bytes', [bundleOf([root]).padEnd(2 ** 20 + 1)], /has 1048577 bytes/],
  ])('is refused: %s', async (_what, texts, seen) => {
    await expect(caFromSpiffeBundle(loaderOf(...texts)).load(signal)).rejects.toMatchObject({
      code: 'ERR_MTLS_SOURCE_UNREADABLE',
      seen: expect.stringMatching(seen),
    });
  });

  test.each([[''], [undefined], [{}], [5]])('is not read from %j', (source) => {
    expect(() => caFromSpiffeBundle(source as string)).toThrow(
      expect.objectContaining({ code: 'ERR_MTLS_OPTION_INVALID' }),
    );
  });
});

test('a file is watched: removed CAs take effect, and a fault keeps the CAs', async () => {
  const { bundle } = writeMaterial(temporaryDirectory(), {
    bundle: bundleOf([root, mesh], { spiffe_sequence: 2 }),
  });
  const crl = root.crl().pem + mesh.crl().pem;
  const { mtls, as } = await startServer({ root, crl, options: { ca: caFromSpiffeBundle(bundle) } });
  const theirs = as(mesh.client(), { keepAlive: true });
  expect(await theirs.get()).toMatchObject({ status: 200 });
  publish(bundle, bundleOf([root], { spiffe_sequence: 1 }));
  await until(() => mtls.faults.length > 0, 'the fault stands');
  expect(mtls.fault?.seen).toMatch(/spiffe_sequence 1 is lower than 2/);
  expect(await theirs.get()).toMatchObject({ status: 200 });
  publish(bundle, bundleOf([root], { spiffe_sequence: 3 }));
  await until(() => theirs.connection.isClosed, 'the client of mesh is disconnected');
});

test('a loader is called again after the refresh hint', async () => {
  let calls = 0;
  const load = (): Promise<Buffer[]> => {
    calls++;
    return Promise.resolve([Buffer.from(bundleOf([root], { spiffe_refresh_hint: 1 }))]);
  };
  const { server } = await startServer({ root, options: { ca: caFromSpiffeBundle({ load }) } });
  await until(() => calls >= 3, 'it was called twice more');
  server.close();
});
