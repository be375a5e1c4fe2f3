import { constants } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import type { ServerOptions } from 'node:https';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { MtlsError, createServer, createServerOptions, protect } from 'express-mtls';
import type { MtlsOptions } from 'express-mtls';
import { type Certificate, ca } from '../support/chain.js';
import { Client, tlsVersions } from '../support/client.js';
import { helloApp, listen, type Material, material, silent } from '../support/server.js';

describe('createServerOptions()', () => {
  test('gives key, cert, ca, crl, requestCert and rejectUnauthorized, and the options that keep them from being bypassed', async () => {
    const { options } = material();
    const made = await createServerOptions(options);
    expect(Object.keys(made).sort()).toEqual([
      'IncomingMessage',
      'ca',
      'cert',
      'crl',
      'handshakeTimeout',
      'key',
      'minVersion',
      'rejectUnauthorized',
      'requestCert',
      'secureOptions',
      'sessionIdContext',
    ]);
    expect(made).toMatchObject({ requestCert: true, rejectUnauthorized: true, minVersion: 'TLSv1.2' });
    expect(made.handshakeTimeout).toBe(10_000);
    expect((made.secureOptions ?? 0) & constants.SSL_OP_NO_RENEGOTIATION).not.toBe(0);
  });

  test('takes paths, PEM text, PEM in Buffers and DER, and all of them give the same', async () => {
    const root = ca('ca');
    const server = root.server();
    const crl = root.crl();
    const { options } = material({ root, serverCertificate: server, crl: crl.pem });
    const keyDer = server.privateKey.export({ type: 'pkcs8', format: 'der' });
    const made = await Promise.all(
      [
        options,
        { key: server.keyPem, cert: server.pem, ca: root.pem, crl: crl.pem },
        {
          key: Buffer.from(server.keyPem),
          cert: Buffer.from(server.pem),
          ca: [Buffer.from(root.pem)],
          crl: [Buffer.from(crl.pem)],
        },
        { key: keyDer, cert: server.der, ca: root.der, crl: crl.der },
      ].map(async (each) => essentials(await createServerOptions(each))),
    );
    expect(new Set(made.map((each) => JSON.stringify(each))).size).toBe(1);
    expect(made[0]).toMatchObject({ crl: [expect.stringContaining('X509 CRL')] });
  });

  test('passes on the options for node:tls', async () => {
    const { options } = material();
    const tls = { minVersion: 'TLSv1.3', keepAliveTimeout: 4321 } as const;
    expect(await createServerOptions({ ...options, tls })).toMatchObject(tls);
  });

  test('opens an encrypted key with its passphrase', async () => {
    const { options, certificate } = pair();
    const made = await createServerOptions({ ...options, key: encrypted(certificate), passphrase: 'secret' });
    expect(made.passphrase).toBe('secret');
  });

  test('gives the CRLs of two CAs in one file as two, for node:tls reads only the first of a file', async () => {
    const root = ca('ca');
    const other = ca('other');
    const { options } = material({ root, cas: [root, other], crl: root.crl().pem + other.crl().pem });
    expect((await createServerOptions(options)).crl).toHaveLength(2);
  });
});

describe.each(tlsVersions)('https.createServer() with createServerOptions() alone, over %s', (version) => {
  test('serves client1, and refuses the revoked, the unknown, the anonymous', async () => {
    const root = ca('ca');
    const [client1, client2] = [root.client('client1'), root.client('client2')];
    const { options } = material({ root, crl: root.crl({ revoked: [client2] }).pem });
    const served: string[] = [];
    const port = await listen(https.createServer(await createServerOptions(options), helloApp(served)));
    const call = (certificate?: Certificate): Promise<{ status: number | 'refused' }> =>
      new Client({ port, ca: root.pem }, certificate, { version }).get();
    expect(await call(client1)).toMatchObject({ status: 200, body: '{"hello":"client1","resumed":false}' });
    expect(await call(client2)).toMatchObject({ status: 'refused' });
    expect(await call()).toMatchObject({ status: 'refused' });
    expect(await call(ca('ca').client('client1'))).toMatchObject({ status: 'refused' });
    expect(served).toEqual(['client1 GET /']);
  });

  test('a client that OpenSSL admits and the gate refuses reaches no handler behind clientIdentity()', async () => {
    const { root, options } = material();
    const served: string[] = [];
    const made = await createServerOptions({ ...options, logger: silent });
    const port = await listen(https.createServer(made, helloApp(served)));
    for (const certificate of [
      root.client({ extendedKeyUsage: null }),
      root.client({ serial: '-05' }),
      root.client({ isCa: true, keyUsage: ['digitalSignature', 'keyCertSign'] }),
    ]) {
      const answer = await new Client({ port, ca: root.pem }, certificate, { version }).get();
      expect(answer.status).not.toBe(200);
    }
    expect(served).toEqual([]);
  });
});

interface Fault {
  readonly title: string;
  /** What is wrong, over good options. */
  readonly options: (good: Material) => Readonly<Record<string, unknown>>;
  readonly code: MtlsError['code'];
  /** What the message says: where, what, and the remedy. */
  readonly says: readonly (string | RegExp)[];
}

const hour = 3_600_000;
const inMs = (ms: number): Date => new Date(Date.now() + ms);

const faults: Fault[] = [
  {
    title: 'the key of another certificate',
    options: (good) => ({ key: put(good, 'other-key.pem', good.root.server().keyPem) }),
    code: 'ERR_MTLS_KEY_MISMATCH',
    says: ['other-key.pem', 'does not belong to the certificate', 'server-crt.pem', 'use a matching pair'],
  },
  {
    title: 'a certificate where the key belongs',
    options: ({ files }) => ({ key: files.cert }),
    code: 'ERR_MTLS_PEM_INVALID',
    says: ['server-crt.pem', 'a PEM block "CERTIFICATE"', 'where a private key', 'use the private key'],
  },
  {
    title: 'an encrypted key without its passphrase',
    options: (good) => ({ key: put(good, 'locked.pem', encrypted(good.root.server())) }),
    code: 'ERR_MTLS_PASSPHRASE_INVALID',
    says: ['locked.pem', 'is encrypted', 'options.passphrase'],
  },
  {
    title: 'an encrypted key with the wrong passphrase',
    options: (good) => ({ key: put(good, 'locked.pem', encrypted(good.root.server())), passphrase: 'guess' }),
    code: 'ERR_MTLS_PASSPHRASE_INVALID',
    says: ['locked.pem', 'cannot be decrypted', 'options.passphrase', /^(?!.*guess)/s],
  },
  ...(['key', 'cert', 'ca', 'crl'] as const).flatMap((option): Fault[] => [
    {
      title: `${option}: an empty file`,
      options: (good) => ({ [option]: put(good, 'empty.pem', '') }),
      code: 'ERR_MTLS_PEM_INVALID',
      says: ['empty.pem', `options.${option}`, 'is empty', 'write it again'],
    },
    {
      title: `${option}: a file that is not there`,
      options: ({ directory }) => ({ [option]: join(directory, 'nowhere.pem') }),
      code: 'ERR_MTLS_SOURCE_UNREADABLE',
      says: ['nowhere.pem', `options.${option}`, 'ENOENT', 'check the path'],
    },
    {
      title: `${option}: garbage`,
      options: (good) => ({ [option]: put(good, 'garbage.pem', 'no PEM at all\n') }),
      code: 'ERR_MTLS_PEM_INVALID',
      says: ['garbage.pem', 'no PEM block', 'expected'],
    },
    {
      title: `${option}: PEM that is cut off`,
      options: (good) => ({
        [option]: put(
          good,
          'cut.pem',
          {
            key: good.root.server().keyPem,
            cert: good.root.pem,
            ca: good.root.pem,
            crl: good.root.crl().pem,
          }[option].slice(0, -40),
        ),
      }),
      code: 'ERR_MTLS_PEM_INVALID',
      says: ['cut.pem', 'truncated'],
    },
    {
      title: `${option}: an empty string`,
      options: () => ({ [option]: '' }),
      code: 'ERR_MTLS_OPTION_INVALID',
      says: [`${option} is ""`, 'not empty'],
    },
    {
      title: `${option}: an empty Buffer`,
      options: () => ({ [option]: Buffer.alloc(0) }),
      code: 'ERR_MTLS_OPTION_INVALID',
      says: [`${option} is a Buffer of 0 bytes`, 'not empty'],
    },
    {
      title: `${option}: undefined`,
      options: () => ({ [option]: undefined }),
      code: 'ERR_MTLS_OPTION_INVALID',
      says: [`${option} is undefined`, 'expected a path'],
    },
    {
      title: `${option}: null`,
      options: () => ({ [option]: null }),
      code: 'ERR_MTLS_OPTION_INVALID',
      says: [`${option} is null`, 'expected a path'],
    },
    {
      title: `${option}: an empty array`,
      options: () => ({ [option]: [] }),
      code: 'ERR_MTLS_OPTION_INVALID',
      says: [option, option === 'ca' || option === 'crl' ? '[]' : 'an array', 'expected'],
    },
  ]),
  {
    title: 'ca: an array with an empty string in it',
    options: ({ files }) => ({ ca: [files.ca, ''] }),
    code: 'ERR_MTLS_OPTION_INVALID',
    says: ['ca[1] is ""', 'not empty'],
  },
  {
    title: "crl: a certificate's PEM",
    options: ({ files }) => ({ crl: files.ca }),
    code: 'ERR_MTLS_CRL_INVALID',
    says: ['ca-crt.pem', 'found a PEM block "CERTIFICATE"', 'a CRL ("X509 CRL") was expected'],
  },
  {
    title: 'crl: a CRL of another CA',
    options: (good) => ({ crl: put(good, 'other-crl.pem', ca('other').crl().pem) }),
    code: 'ERR_MTLS_CRL_ISSUER_UNKNOWN',
    says: ['other-crl.pem', '"CN=other"', 'not one of the configured CAs ("CN=ca")', 'add that CA'],
  },
  {
    title: 'crl: a CRL of another CA of the same name',
    options: (good) => ({
      crl: put(good, 'twin-crl.pem', ca('ca').crl({ authorityKeyId: false }).pem),
    }),
    code: 'ERR_MTLS_CRL_SIGNATURE_INVALID',
    says: ['twin-crl.pem', 'another CA with the same name'],
  },
  {
    title: 'crl: a forged CRL',
    options: (good) => ({
      crl: put(good, 'forged.pem', good.root.crl({ signWith: ca('ca').privateKey }).pem),
    }),
    code: 'ERR_MTLS_CRL_SIGNATURE_INVALID',
    says: ['forged.pem', 'signature', 'forged'],
  },
  {
    title: 'crl: an expired CRL',
    options: (good) => ({
      crl: put(
        good,
        'old.pem',
        good.root.crl({ thisUpdate: inMs(-2 * hour), nextUpdate: inMs(-hour), number: 7 }).pem,
      ),
    }),
    code: 'ERR_MTLS_CRL_EXPIRED',
    says: ['old.pem', 'CRL number 7 of "CN=ca"', 'expired at', 'publish a newer CRL'],
  },
  {
    title: 'crl: a CRL that is not valid yet',
    options: (good) => ({ crl: put(good, 'early.pem', good.root.crl({ thisUpdate: inMs(hour) }).pem) }),
    code: 'ERR_MTLS_CRL_INVALID',
    says: ['early.pem', 'not in force before', 'check the clock'],
  },
  {
    title: 'crl: a directory without a CRL',
    options: ({ directory }) => {
      mkdirSync(join(directory, 'crls'));
      return { crl: join(directory, 'crls') };
    },
    code: 'ERR_MTLS_CRL_INVALID',
    says: ['crls', 'a directory without a CRL', '.crl'],
  },
  {
    title: 'crl: a loader that gives nothing',
    options: () => ({ crl: { load: () => Promise.resolve([]) } }),
    code: 'ERR_MTLS_SOURCE_UNREADABLE',
    says: ['options.crl.load()', 'returned no CRL'],
  },
  {
    title: 'crl: an object that is no loader',
    options: () => ({ crl: { file: 'ca-crl.pem' } }),
    code: 'ERR_MTLS_OPTION_INVALID',
    says: ['crl is an object', 'load()'],
  },
  {
    title: 'ca: a client certificate',
    options: (good) => ({ ca: put(good, 'leaf.pem', good.root.pem + good.root.client('client1').pem) }),
    code: 'ERR_MTLS_CA_INVALID',
    says: [
      'leaf.pem',
      '"CN=client1" is not a CA',
      'use the certificate of the CA that issued the client certificates',
    ],
  },
  {
    title: 'ca: an intermediate without its root',
    options: (good) => ({ ca: put(good, 'middle.pem', good.root.intermediate('middle').pem) }),
    code: 'ERR_MTLS_CA_INVALID',
    says: ['middle.pem', 'no certificate in it leads to a self-signed root', 'add the root'],
  },
  {
    title: 'ca: a CA that has expired',
    options: (good) => ({
      ca: put(good, 'ended.pem', ca({ commonName: 'ended', notAfter: inMs(-hour) }).pem),
      crl: { load: () => Promise.resolve([good.root.crl().der]) },
    }),
    code: 'ERR_MTLS_CA_INVALID',
    says: ['ended.pem', 'every CA in it has expired', 'create a new CA'],
  },
  {
    title: 'ca: a directory without a certificate',
    options: ({ directory }) => {
      mkdirSync(join(directory, 'cas'));
      return { ca: join(directory, 'cas') };
    },
    code: 'ERR_MTLS_PEM_INVALID',
    says: ['cas', 'a directory without a certificate', '.crt'],
  },
  {
    title: 'ca: a directory with other things among the certificates',
    options: ({ directory }) => ({ ca: directory }),
    // The CRL in it is that of options.crl, and is read as that alone.
    code: 'ERR_MTLS_CA_INVALID',
    says: ['server-crt.pem', 'is not a CA'],
  },
  {
    title: 'ca: a loader that gives nothing',
    options: () => ({ ca: { load: () => Promise.resolve([]) } }),
    code: 'ERR_MTLS_SOURCE_UNREADABLE',
    says: ['options.ca.load()', 'returned no certificate'],
  },
  {
    title: 'cert: a certificate that has expired',
    options: (good) => {
      const ended = good.root.server({ notAfter: inMs(-hour) });
      return { key: ended.keyPem, cert: put(good, 'ended.pem', ended.pem) };
    },
    code: 'ERR_MTLS_SERVER_CERTIFICATE_INVALID',
    says: ['ended.pem', "the server's certificate expired at", 'issue a new one'],
  },
  {
    title: 'cert: the CA before the server in the file',
    options: (good) => {
      const server = good.root.server();
      return { key: server.keyPem, cert: put(good, 'order.pem', good.root.pem + server.pem) };
    },
    code: 'ERR_MTLS_KEY_MISMATCH',
    says: ['order.pem', "put the server's certificate first"],
  },
  {
    title: 'an option that does not exist',
    options: ({ files }) => ({ crls: files.crl }),
    code: 'ERR_MTLS_OPTION_INVALID',
    says: ['the unknown key "crls"', 'known are key, cert'],
  },
  ...(
    [
      ['clients', 'none', "one of 'required', 'optional'"],
      ['refusals', true, "one of 'named', 'native'"],
      ['resumption', 'no', 'true or false'],
      ['now', 5, 'a function'],
      ['watch', { poll: 5 }, 'the unknown key "poll"'],
      ['watch', { pollMs: 49 }, 'an integer from 50 to 3600000'],
      ['watch', true, 'an object'],
      ['revocation', { stales: 'allow' }, 'the unknown key "stales"'],
      ['revocation', { graceMs: -1 }, 'an integer from 0 to 2592000000'],
      ['revocation', { unknown: 'ignore' }, "one of 'deny', 'allow'"],
      ['passphrase', '', 'omit it'],
      ['logger', { info: () => undefined }, 'logger.warn'],
    ] as const
  ).map(([option, value, expected]): Fault => ({
    title: `${option}: ${typeof value === 'object' ? JSON.stringify(value) : String(value)}`,
    options: () => ({ [option]: value }),
    code: 'ERR_MTLS_OPTION_INVALID',
    says: [option, expected],
  })),
  ...(
    [
      ['key', 'x', 'options.key'],
      ['cert', 'x', 'options.cert'],
      ['ca', 'x', 'options.ca'],
      ['crl', 'x', 'options.crl'],
      ['passphrase', 'x', 'options.passphrase'],
      ['pfx', 'x', 'openssl pkcs12'],
      ['secureContext', {}, 'a reload reaches'],
      ['SNICallback', () => undefined, 'their own CAs and CRLs'],
      ['pskCallback', () => undefined, 'pre-shared key'],
      ['sessionIdContext', 'x', 'no session is resumed under other CAs'],
      ['secureProtocol', 'TLSv1_2_method', 'tls.minVersion'],
      ['clientCertEngine', 'x', 'engines'],
      ['privateKeyEngine', 'x', 'engines'],
      ['privateKeyIdentifier', 'x', 'engines'],
      ['requestCert', false, "clients: 'optional'"],
      ['requestCert', 1, 'it is always on'],
      ['requestCert', 'true', 'it is always on'],
      ['rejectUnauthorized', false, "clients: 'optional'"],
      ['ciphers', 'ALL:@SECLEVEL=0', 'SECLEVEL=0'],
      ['minVersion', 'TLSv1.1', 'RFC 8996'],
      ['maxVersion', 'TLSv1', 'RFC 8996'],
      ['ticketKeys', Buffer.alloc(47), '48 bytes'],
      ['secureOptions', 'all', 'SSL_OP_'],
    ] as const
  ).map(([option, value, remedy]): Fault => ({
    title: `tls.${option}: ${Buffer.isBuffer(value) ? 'a Buffer of 47 bytes' : JSON.stringify(value)}`,
    options: () => ({ tls: { [option]: value } }),
    code: 'ERR_MTLS_OPTION_INVALID',
    says: [`tls.${option} is refused`, remedy],
  })),
];

describe.each(faults)('$title', ({ options, code, says }) => {
  test('is refused at start, with where, what and the remedy in the message', async () => {
    const good = material();
    const given = { ...good.options, ...options(good) };
    const errors = await Promise.all(
      [
        () => createServerOptions(given),
        () => createServer(given),
        () => protect(https.createServer({ requestCert: true }), given),
      ].map((start) => failureOf(start)),
    );
    const [error] = errors;
    expect(error?.code).toBe(code);
    for (const part of says) expect(error?.message).toMatch(part instanceof RegExp ? part : escaped(part));
    // The three ways in say the same, but for the moment.
    expect(new Set(errors.map((each) => each.message.replaceAll(/says [^ )]+/g, 'says'))).size).toBe(1);
  });
});

describe('several faults at once', () => {
  test('are all named: every option that createServerOptions() alone cannot fulfil', async () => {
    const { message } = await failureOf(() =>
      createServerOptions({
        ...material().options,
        clients: 'optional',
        signals: true,
        limits: { pendingHandshakes: 200 },
      }),
    );
    for (const option of [
      "clients: 'optional' needs",
      'signals: true needs',
      'limits.pendingHandshakes needs',
    ])
      expect(message).toContain(option);
    expect(message).toContain('use createServer(), or protect() the server');
  });

  test('are none: a limit that node:tls has too', async () => {
    const limits = { handshakeTimeoutMs: 5000 };
    expect(await createServerOptions({ ...material().options, limits })).toMatchObject({
      handshakeTimeout: 5000,
    });
  });

  test('are all named: every file that cannot be read', async () => {
    const { options, files } = material();
    for (const file of Object.values(files)) rmSync(file);
    const { message } = await failureOf(() => createServerOptions(options));
    for (const file of Object.values(files)) expect(message).toContain(file);
  });

  test('are all named: a key of another certificate and a forged CRL', async () => {
    const { root, options, files } = material();
    writeFileSync(files.key, root.server().keyPem);
    writeFileSync(files.crl, root.crl({ signWith: ca('ca').privateKey }).pem);
    const { message } = await failureOf(() => createServerOptions(options));
    expect(message).toContain(files.key);
    expect(message).toContain(files.crl);
  });

  test('are all named: a key that is not there and a forged CRL', async () => {
    const { root, options, files } = material();
    rmSync(files.key);
    writeFileSync(files.crl, root.crl({ signWith: ca('ca').privateKey }).pem);
    const { message } = await failureOf(() => createServerOptions(options));
    expect(message).toContain(files.key);
    expect(message).toContain(files.crl);
  });

  test('are all named: two CRLs, one forged and one expired', async () => {
    const { root, options, directory } = material();
    const forged = join(directory, 'forged.pem');
    const expired = join(directory, 'expired.pem');
    writeFileSync(forged, root.crl({ signWith: ca('ca').privateKey }).pem);
    writeFileSync(expired, root.crl({ thisUpdate: inMs(-2 * hour), nextUpdate: inMs(-hour) }).pem);
    const { message } = await failureOf(() => createServerOptions({ ...options, crl: [forged, expired] }));
    expect(message).toContain(forged);
    expect(message).toContain(expired);
  });
});

test("clients: 'optional' is refused by createServerOptions(), where nothing would stop bad certificates", async () => {
  const { options } = material();
  const error = await failureOf(() => createServerOptions({ ...options, clients: 'optional' }));
  expect(error.code).toBe('ERR_MTLS_OPTION_INVALID');
  expect(error.message).toMatch(/needs the gate.*createServer\(\).*protect\(\)/);
});

test('CRLs that OpenSSL misreads are refused by createServerOptions() and judged by createServer()', async () => {
  const { root, options } = material();
  const delta = root.crl({ number: 2, delta: 1 }).pem;
  const given = { ...options, crl: [root.crl().pem, delta] };
  const error = await failureOf(() => createServerOptions(given));
  expect(error.code).toBe('ERR_MTLS_CRL_UNSUPPORTED');
  expect(error.message).toMatch(/OpenSSL misreads delta CRLs \(options\.crl\[1\]\).*createServer\(\)/);
  await (await createServer(given)).mtls.close();
});

test('no message holds a key, a passphrase or a whole PEM', async () => {
  const { root, options } = material();
  const key = root.server().keyPem;
  for (const given of [
    { ...options, key },
    { ...options, cert: key },
    { ...options, passphrase: 7 as unknown as string },
    { ...options, crl: key },
    { ...options, clients: key as 'required' },
  ]) {
    const { message } = await failureOf(() => createServerOptions(given));
    expect(message).not.toContain(key.split('\n')[1]);
    expect(message.length).toBeLessThan(400);
  }
});

function pair(): { options: MtlsOptions; certificate: Certificate } {
  const root = ca('ca');
  const certificate = root.server();
  return { certificate, options: material({ root, serverCertificate: certificate }).options };
}

function encrypted({ privateKey }: Certificate): string {
  return privateKey
    .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' })
    .toString();
}

function essentials({
  key,
  cert,
  ca: cas,
  crl,
}: ServerOptions): Pick<ServerOptions, 'key' | 'cert' | 'ca' | 'crl'> {
  // The key may be written anew, with the same meaning.
  return { key: (key as string).replaceAll(/\s/g, ''), cert, ca: cas, crl };
}

function put({ directory }: Material, name: string, content: string): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
}

async function failureOf(start: () => Promise<unknown>): Promise<MtlsError> {
  const error: unknown = await start().then(
    () => undefined,
    (caught: unknown) => caught,
  );
  if (!(error instanceof MtlsError)) throw new Error(`expected an MtlsError, not ${String(error)}`);
  return error;
}

function escaped(text: string): RegExp {
  return new RegExp(text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`));
}
