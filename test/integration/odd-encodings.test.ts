/**
 * Certificates and CRLs as some CAs write them: what is admitted, what is refused,
 * and whether the reason can be read.
 *
 * @module
 */
import express from 'express';
import { describe, expect, test } from '@jest/globals';
import { anyOf, clientIdentity, createServer, mtlsErrorHandler, not, requireClient } from 'express-mtls';
import { ca, type CertificateAuthority, type CertificateOptions } from '../support/chain.js';
import { runCommand } from '../support/command.js';
import type { CrlMaterial, CrlOptions } from '../support/crl.js';
import { element, enumerated, integer } from '../support/der-writer.js';
import { temporaryDirectory, writeMaterial } from '../support/files.js';
import { material, publish, startServer, until } from '../support/server.js';

const uri = (text: string): Buffer => element(0x86, Buffer.from(text));

describe('a client whose subjectAltName is not ASCII', () => {
  const app = express();
  app.use(clientIdentity());
  app.get('/', (req, res) => {
    res.json({ hello: req.clientIdentity?.commonName, ...req.clientIdentity?.subjectAltNames });
  });
  app.get('/devices', requireClient({ uri: /^urn:device:.*$/ }), (_req, res) => {
    res.json({});
  });
  app.get('/people', requireClient(not({ uri: /^urn:device:.*$/ })), (_req, res) => {
    res.json({});
  });
  app.get(
    '/nobody',
    requireClient(not(anyOf({ uri: /^urn:device:.*$/ }, { commonName: 'x' }))),
    (_req, res) => {
      res.json({});
    },
  );
  app.get('/named', requireClient({ commonName: 'client1' }), (_req, res) => {
    res.json({});
  });
  app.use(mtlsErrorHandler());

  test.each<[string, NonNullable<CertificateOptions['sans']>, object]>([
    // The builder writes Latin-1 where it is given text.
    ['an email address in Latin-1', { email: ['jürgen@a.test'] }, { email: [], unreadable: ['email'] }],
    ['a URI in UTF-8', { raw: [uri('urn:device:gerät')] }, { uri: [], unreadable: ['uri'] }],
    [
      'a host name in UTF-8, beside one in ASCII',
      { dns: ['a.test'], raw: [element(0x82, Buffer.from('müller.test'))] },
      { dns: ['a.test'], unreadable: ['dns'] },
    ],
  ])('is admitted: %s', async (_what, sans, expected) => {
    const { root, as, recorder } = await startServer({ app });
    const client1 = root.client({ commonName: 'client1', sans });
    const answer = await as(client1, { keepAlive: true }).get();
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.body)).toMatchObject({ hello: 'client1', ...expected });
    expect((await as(client1).get('/named')).status).toBe(200);
    expect(recorder.events('refused')).toEqual([]);
  });

  test('matches no rule about such names, and no opposite of one', async () => {
    const { root, as, recorder } = await startServer({ app });
    const device = root.client({ commonName: 'client1', sans: { raw: [uri('urn:device:gerät')] } });
    for (const path of ['/devices', '/people', '/nobody'])
      expect([path, (await as(device).get(path)).status]).toEqual([path, 403]);
    expect(recorder.events('forbidden').map(({ refusedBy }) => refusedBy.length)).toEqual([1, 1, 1]);
    expect((await as(root.client('client2')).get('/people')).status).toBe(200);
  });

  test('and has a control character is refused, and the log has none', async () => {
    const { root, as, recorder } = await startServer({ app });
    const forged = root.client({ sans: { raw: [uri('urn:ü\n\u001b[2Jadmitted')] } });
    expect(await as(forged).get()).toMatchObject({ status: 'refused' });
    const [line] = recorder.linesOf('refused');
    expect(line?.fields).toMatchObject({ reason: 'identity-invalid' });
    expect(JSON.stringify(line)).toContain('in the extension subjectAltName (2.5.29.17)');
    expect(line?.message).toContain('identity-invalid');
    expect(Array.from(line?.message ?? '').every((character) => character >= ' ')).toBe(true);
  });
});

describe('a CRL with a critical extension that OpenSSL does not handle', () => {
  const critical = { oid: '2.5.29.20', critical: true, value: integer(5) };
  const list = (root: CertificateAuthority, entries: number, options: CrlOptions): CrlMaterial =>
    root.crl({
      revoked: Array.from({ length: entries }, (_, index) => ({ serial: BigInt(index + 1000) })),
      ...options,
    });
  const reason = { oid: '2.5.29.21', critical: true, value: enumerated(1) };
  const cases: [string, (root: CertificateAuthority) => CrlMaterial, string][] = [1, 1001].flatMap(
    (entries) => [
      [
        `cRLNumber, ${entries} entries`,
        (root: CertificateAuthority) => list(root, entries, { number: null, extraExtensions: [critical] }),
        'cRLNumber (2.5.29.20)',
      ],
      [
        `reasonCode of an entry, ${entries} entries`,
        (root: CertificateAuthority) =>
          root.crl({
            revoked: Array.from({ length: entries }, (_, index) => ({
              serial: BigInt(index + 1000),
              ...(index === entries - 1 ? { extraExtensions: [reason] } : {}),
            })),
          }),
        'reasonCode (2.5.29.21)',
      ],
    ],
  );

  test.each(cases)('is refused when it is loaded: %s', async (_what, make, extension) => {
    const root = ca('ca');
    const { pem } = make(root);
    const { options } = material({ root, crl: pem });
    const message = expect.stringContaining(
      `the critical extension ${extension}, which must not be critical`,
    );
    await expect(createServer(options)).rejects.toMatchObject({ code: 'ERR_MTLS_CRL_UNSUPPORTED', message });
  });

  test.each(cases)(
    'is refused by a reload, and what was in force stays: %s',
    async (_what, make, extension) => {
      const { root, files, mtls, as } = await startServer();
      publish(files.crl, make(root).pem);
      const message = expect.stringContaining(`the critical extension ${extension}`);
      await expect(mtls.reload()).rejects.toMatchObject({ code: 'ERR_MTLS_CRL_UNSUPPORTED', message });
      expect((await as(root.client()).get()).status).toBe(200);
    },
  );

  test.each(cases)('is refused by inspect and doctor alike: %s', async (_what, make, extension) => {
    const root = ca('ca');
    const client = root.client();
    const files = writeMaterial(temporaryDirectory(), {
      'ca.pem': root.pem,
      'ca.crl': make(root).pem,
      'client.pem': client.pem,
      'client-key.pem': client.keyPem,
    });
    const inspected = await runCommand(['inspect', files['ca.crl'], '--ca', files['ca.pem']]);
    const examined = await runCommand([
      'doctor',
      ...['--cert', files['client.pem'], '--key', files['client-key.pem'], '--ca', files['ca.pem']],
      ...['--crl', files['ca.crl']],
    ]);
    for (const { code, out } of [inspected, examined]) {
      expect(code).not.toBe(0);
      expect(out.replaceAll(/\s+/g, ' ')).toContain(
        `the critical extension ${extension}, which must not be critical`,
      );
    }
  });
});

describe('a CRL of version 2 without a number', () => {
  test('is admitted with a warning: once for each list, at the start and at a reload', async () => {
    const root = ca('ca');
    const unnumbered = (revoked: CrlOptions['revoked'] = []): string =>
      root.crl({ number: null, revoked }).pem;
    const { files, mtls, recorder, as } = await startServer({ root, crl: unnumbered() });
    await until(() => recorder.linesOf('crl-without-number').length > 0, 'it is warned of');
    expect(recorder.linesOf('crl-without-number')).toMatchObject([
      {
        level: 'warn',
        fields: { source: files.crl },
        message: expect.stringMatching(
          /ca-crl\.pem: the CRL of "CN=ca" .+ has no CRL number, which RFC 5280 section 5\.2\.3 requires\. Only its thisUpdate distinguishes it from an older CRL: .+ Have the CA number its CRLs/,
        ),
      },
    ]);
    expect((await as(root.client()).get()).status).toBe(200);

    publish(files.ca, root.pem + ca('other').pem);
    expect(await mtls.reload()).toMatchObject({ changed: true });
    expect(recorder.linesOf('crl-without-number')).toHaveLength(1);

    publish(files.crl, unnumbered([{ serial: '0a' }]));
    await mtls.reload();
    await until(() => recorder.linesOf('crl-without-number').length > 1, 'the next is warned of');
    expect(recorder.linesOf('crl-without-number')).toHaveLength(2);
  });

  test.each([
    ['one with a number', {}],
    ['one of version 1, which cannot have one', { version: 1 }],
  ] as const)('but not %s', async (_what, options) => {
    const root = ca('ca');
    const { mtls, recorder } = await startServer({ root, crl: root.crl(options).pem });
    await mtls.reload();
    expect(recorder.linesOf('crl-without-number')).toEqual([]);
  });
});
