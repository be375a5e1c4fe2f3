/**
 * The names of the CAs, which every handshake carries: how long they may be, by real handshakes, and what the log has
 * of them.
 *
 * @module
 */
import https from 'node:https';
import tls from 'node:tls';
import { once } from 'node:events';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { createServer, createServerOptions, type MtlsError, protect } from 'express-mtls';
import { ca, type CertificateAuthority } from '../support/chain.js';
import { Client, tlsVersions } from '../support/client.js';
import { distinguishedName } from '../support/names.js';
import { generateKey } from '../support/signing.js';
import { listen, material, publish, Recorder, startServer, type TestServer } from '../support/server.js';

const most = 65_407;
const mostInJava = 32_640;

const root = ca('ca');
// One key for all of them: nothing here depends on it, and a name is what counts.
const privateKey = generateKey();

function caNamed(commonName: string, organization?: string): CertificateAuthority {
  return ca({ commonName, privateKey, ...(organization === undefined ? {} : { organization }) });
}

const octetsOf = (name: Buffer): number => 2 + name.length;

/** The root, and beside it CAs whose names make up this number of octets together with its own. */
function casOf(octets: number): CertificateAuthority[] {
  // Two certificates of one name: each counts.
  const twins = [caNamed('twin'), caNamed('twin')];
  const rest = [root, ...twins].reduce((left, { subject }) => left - octetsOf(subject), octets);
  for (let length = rest - 50; length < rest; length++) {
    const organization = 'x'.repeat(length);
    if (octetsOf(distinguishedName({ commonName: 'long', organization })) === rest)
      return [root, ...twins, caNamed('long', organization)];
  }
  throw new Error(`no name makes up ${octets} octets`);
}

const pemOf = (cas: readonly CertificateAuthority[]): string => cas.map(({ pem }) => pem).join('');

const tooLong = (octets: number, origin: unknown): object => ({
  code: 'ERR_MTLS_CA_INVALID',
  message: `${String(origin)}: the names of its 4 CAs take ${octets} octets in the handshake; the maximum is 65407; configure fewer CAs, only the roots, or CAs with shorter names`,
});

describe('names of CAs', () => {
  let longest: CertificateAuthority[];
  let tooMuch: CertificateAuthority[];
  beforeAll(() => {
    longest = casOf(most);
    tooMuch = casOf(most + 1);
  });

  test.each(tlsVersions)(
    'of 65,407 octets are sent completely, and clients connect over %s',
    async (version) => {
      const { port } = await startServer({ root, cas: longest, crl: null });
      const client = new Client({ port, ca: root.pem }, root.client('client1'), { version });
      expect(await client.get()).toMatchObject({ status: 200 });
    },
  );

  test('of one octet more prevent the start, however the server is created', async () => {
    const { options, files } = material({ root, cas: tooMuch, crl: null });
    const refused = tooLong(most + 1, files.ca);
    await expect(createServer(options)).rejects.toMatchObject(refused);
    await expect(createServerOptions(options)).rejects.toMatchObject(refused);
    const server = https.createServer({ requestCert: true });
    await expect(protect(server, options)).rejects.toMatchObject(refused);
  });

  // What node:tls makes of them shows why there is a limit below the 65,535 octets that the lengths can express.
  test.each([
    { version: 'TLSv1.3', octets: 65_522 },
    { version: 'TLSv1.2', octets: 65_536 },
  ] as const)(
    'of $octets octets make OpenSSL fail in every handshake of $version',
    async ({ version, octets }) => {
      const certificate = root.server();
      const server = tls.createServer({
        key: certificate.keyPem,
        cert: certificate.pem,
        ca: pemOf(casOf(octets)),
        requestCert: true,
        rejectUnauthorized: false,
      });
      const failed = once(server, 'tlsClientError') as Promise<[NodeJS.ErrnoException]>;
      const port = await listen(server);
      const range = { minVersion: version, maxVersion: version } as const;
      const socket = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...range });
      await expect(once(socket, 'secureConnect')).rejects.toThrow(/alert internal error/);
      expect((await failed)[0].code).toBe('ERR_SSL_INTERNAL_ERROR');
    },
  );

  test('that are too long are rejected at a reload, which changes nothing', async () => {
    const { files, mtls, as, recorder } = await startServer({ root, crl: null, options: { watch: false } });
    publish(files.ca, pemOf(tooMuch));
    const refused = tooLong(most + 1, files.ca);
    await expect(mtls.reload()).rejects.toMatchObject(refused);
    expect(recorder.events('reload-failed')).toMatchObject([{ error: refused }]);
    expect(mtls.authorities).toHaveLength(1);
    expect(await as(root.client()).get()).toMatchObject({ status: 200 });
    publish(files.ca, pemOf(longest));
    expect(await mtls.reload()).toMatchObject({ changed: true });
    expect(await as(root.client()).get()).toMatchObject({ status: 200 });
  });

  test('are counted separately for each name in sni', async () => {
    const own = root.server({ sans: { dns: ['a.example'] } });
    const { options } = material({ root, cas: longest, crl: null });
    const named = (cas: readonly CertificateAuthority[]): object => ({
      ...options,
      sni: { 'a.example': { key: own.keyPem, cert: own.pem, ca: pemOf(cas) } },
    });
    await expect(createServer(named(tooMuch) as typeof options)).rejects.toMatchObject(
      tooLong(most + 1, 'options.sni["a.example"].ca'),
    );
    const server = await createServer(named(longest) as typeof options);
    await server.mtls.close();
  });
});

describe('the warning about names that Java clients reject', () => {
  const warnings = ({ recorder }: Pick<TestServer, 'recorder'>): object[] =>
    recorder.linesOf('long-ca-names');
  const warning = {
    level: 'warn',
    fields: { event: 'long-ca-names', octets: mostInJava + 1, cas: 4 },
    message:
      'the names of the CAs (4) take 32641 octets in the handshake, but clients in Java accept 32640; configure fewer CAs, only the roots, or CAs with shorter names',
  };

  test('comes at the start from 32,641 octets on, and not for 32,640', async () => {
    const crl = null;
    expect(warnings(await startServer({ root, crl, cas: casOf(mostInJava) }))).toEqual([]);
    expect(warnings(await startServer({ root, crl, cas: casOf(mostInJava + 1) }))).toEqual([warning]);
    const recorder = new Recorder();
    const { options } = material({ root, crl, cas: casOf(mostInJava + 1) });
    await createServerOptions({ ...options, logger: recorder.logger });
    expect(recorder.linesOf('long-ca-names')).toEqual([warning]);
  });

  test('comes at a reload that adds such CAs, and again when they change, but not for other sources', async () => {
    const server = await startServer({
      root,
      crl: root.crl({ number: 1 }).pem,
      options: { watch: false, revocation: { unknown: 'allow' } },
    });
    const { files, mtls } = server;
    publish(files.ca, pemOf(casOf(mostInJava + 1)));
    await mtls.reload();
    expect(warnings(server)).toEqual([warning]);
    publish(files.crl, root.crl({ number: 2 }).pem);
    expect(await mtls.reload()).toMatchObject({ changed: true });
    expect(warnings(server)).toHaveLength(1);
    publish(files.ca, pemOf(casOf(mostInJava + 2)));
    await mtls.reload();
    expect(warnings(server)).toMatchObject([warning, { fields: { octets: mostInJava + 2 } }]);
  });

  test('has the name in sni whose CAs they are', async () => {
    const own = root.server({ sans: { dns: ['a.example'] } });
    const sni = { key: own.keyPem, cert: own.pem, ca: pemOf(casOf(mostInJava + 1)) };
    const server = await startServer({ root, options: { sni: { 'a.example': sni } } });
    expect(warnings(server)).toEqual([
      { ...warning, message: `under the name a.example ${warning.message}` },
    ]);
  });
});

describe('the log of a server with 400 CAs', () => {
  let server: TestServer;
  let cas: CertificateAuthority[];
  beforeAll(() => {
    cas = [root, ...Array.from({ length: 399 }, (_, index) => caNamed(`department ${index + 1}`))];
  });

  test('lists some of them and counts the rest; mtls.authorities has all', async () => {
    server = await startServer({ root, cas, crl: root.crl().pem });
    const [line] = server.recorder.linesOf('listening');
    expect(line?.message).toEqual(
      expect.stringMatching(
        /^listening: https:\/\/127\.0\.0\.1:\d+, clients of CN=ca, CN=department 1, CN=department 2 and 397 more$/,
      ),
    );
    expect(line?.fields).toMatchObject({ caCount: 400, crlCount: 1, crls: [{ issuer: 'CN=ca' }] });
    expect(line?.fields['cas']).toHaveLength(10);
    const [uncovered] = server.recorder.linesOf('uncovered-cas');
    expect(uncovered?.message).toBe(
      'no CRL of CN=department 1, CN=department 2, CN=department 3 and 396 more is loaded: their clients are refused',
    );
    expect(uncovered?.fields['uncovered']).toHaveLength(10);
    expect(uncovered?.fields['uncoveredCount']).toBe(399);
    for (const { message, fields } of server.recorder.lines)
      expect((message + JSON.stringify(fields)).length).toBeLessThan(1500);
    expect(server.mtls.authorities).toHaveLength(400);
    expect(server.mtls.revocation.uncovered).toHaveLength(399);
  });

  test('is as short with names in sni, and with hundreds of names and CRLs', async () => {
    const own = root.server({ sans: { dns: ['a.example'] } });
    const names = Array.from({ length: 30 }, (_, index) => `n${index}.example`);
    const pair = { key: own.keyPem, cert: own.pem };
    const trust = { ca: pemOf(cas), crl: cas.slice(0, 100).map((each) => each.crl().pem) };
    const sni = Object.fromEntries(
      names.map((name, index) => [name, index === 0 ? { ...pair, ...trust } : pair]),
    );
    server = await startServer({ root, options: { sni } });
    const [line] = server.recorder.linesOf('listening');
    expect(line?.fields).toMatchObject({
      nameCount: 30,
      sni: { 'n0.example': { caCount: 400, crlCount: 100 } },
    });
    const { names: listed, sni: described } = line?.fields as {
      names: string[];
      sni: Record<string, { cas: string[]; crls: object[] }>;
    };
    expect(listed).toHaveLength(10);
    expect(described['n0.example']?.cas).toHaveLength(10);
    expect(described['n0.example']?.crls).toHaveLength(10);
  });

  test('truncates a very long name', async () => {
    server = await startServer({ root, cas: [root, caNamed('long', 'x'.repeat(20_000))] });
    for (const { message, fields } of server.recorder.lines)
      expect((message + JSON.stringify(fields)).length).toBeLessThan(1500);
  });
});

test('lists some of 400 rejected sources', async () => {
  const certificate = root.server();
  const expired = ca({ commonName: 'old', notAfter: new Date(Date.now() - 1000) });
  const sources = Array.from({ length: 400 }, () => expired.pem);
  const error = (await createServer({ key: certificate.keyPem, cert: certificate.pem, ca: sources }).catch(
    (thrown: unknown) => thrown,
  )) as MtlsError;
  expect(error.message).toMatch(
    /^options\.ca\[0\], options\.ca\[1\], options\.ca\[2\] and 397 more: every CA/,
  );
});
