/**
 * `credentials`: a loader of the server's key, certificate and CAs. A new pair is presented without a lost request; a
 * fault keeps the pair in force, and holds up nothing else.
 *
 * @module
 */
import https from 'node:https';
import { describe, expect, test } from '@jest/globals';
import {
  createServer,
  createServerOptions,
  type CredentialsLoader,
  type LoadedCredentials,
  type LoadedOptions,
  type Mtls,
  protect,
} from 'express-mtls';
import { type Certificate, type CertificateAuthority, ca } from '../support/chain.js';
import { Client, type ClientCertificate, type ClientOptions } from '../support/client.js';
import { day, fromNow } from '../support/lists.js';
import { Clock, helloApp, listen, material, publish, Recorder, until } from '../support/server.js';
import { ownTime } from '../support/elapsed.js';

/** A loader whose answer the test sets. */
class Source implements CredentialsLoader {
  calls = 0;
  isWatched = false;
  #answer: () => Promise<LoadedCredentials>;
  #notify: () => void = () => {};

  constructor(pair: LoadedCredentials) {
    this.#answer = () => Promise.resolve(pair);
  }

  load(): Promise<LoadedCredentials> {
    this.calls++;
    return this.#answer();
  }

  watch(notify: () => void): Disposable {
    this.#notify = notify;
    this.isWatched = true;
    return {
      [Symbol.dispose]: () => {
        this.isWatched = false;
      },
    };
  }

  /** Gives something else from now on, and says so. */
  give(answer: unknown): void {
    this.answer(() => Promise.resolve(answer as LoadedCredentials));
  }

  answer(answer: () => Promise<LoadedCredentials>): void {
    this.#answer = answer;
    this.#notify();
  }
}

const pairOf = ({ keyPem, chainPem }: Certificate): LoadedCredentials => ({ key: keyPem, cert: chainPem });

interface World {
  readonly root: CertificateAuthority;
  readonly files: Record<'ca' | 'crl', string>;
  readonly source: Source;
  readonly first: Certificate;
  readonly mtls: Mtls;
  readonly recorder: Recorder;
  readonly close: () => void;
  as(certificate: ClientCertificate, options?: ClientOptions): Client;
  /** The certificate that a new client sees. */
  presented(): Promise<string | undefined>;
}

type Given = Partial<LoadedOptions> & { readonly bundle?: readonly CertificateAuthority[] };

async function world({ bundle, ...given }: Given = {}, root = ca('ca')): Promise<World> {
  const { files } = material({ root });
  const first = root.server();
  const source = new Source({ ...pairOf(first), ca: bundle?.map(({ pem }) => pem) });
  const recorder = new Recorder();
  const server = await createServer(
    {
      credentials: source,
      ca: files.ca,
      crl: files.crl,
      logger: recorder.logger,
      now: new Clock().now,
      ...given,
    },
    helloApp(),
  );
  const { mtls } = server;
  recorder.listenTo(mtls);
  const port = await listen(server);
  const as: World['as'] = (certificate, options) => new Client({ port, ca: root.pem }, certificate, options);
  const visitor = root.client('visitor');
  const presented = async (): Promise<string | undefined> => (await as(visitor).get()).serverFingerprint;
  return { root, files, source, first, mtls, recorder, close: () => server.close(), as, presented };
}

const printOf = ({ x509 }: Certificate): string => x509.fingerprint256;
const origin = 'options.credentials.load()';

describe('a pair from a loader', () => {
  test.each<[form: string, pair: (server: Certificate) => LoadedCredentials]>([
    ['PEM text', pairOf],
    ['PEM in Buffers', ({ keyPem, pem }) => ({ key: Buffer.from(keyPem), cert: Buffer.from(pem) })],
    [
      'DER',
      ({ privateKey, der }) => ({ key: privateKey.export({ format: 'der', type: 'pkcs8' }), cert: der }),
    ],
    ['one PEM text with both', ({ keyPem, pem }) => ({ key: keyPem + pem, cert: keyPem + pem })],
  ])('is presented: %s', async (_form, pair) => {
    const root = ca('ca');
    const server = root.server();
    const { as, mtls, presented } = await world({ credentials: new Source(pair(server)) }, root);
    expect(await as(root.client('client1')).get()).toMatchObject({ status: 200 });
    expect(await presented()).toBe(printOf(server));
    const [notBefore, notAfter] = [new Date(server.x509.validFrom), new Date(server.x509.validTo)];
    expect(mtls.certificates).toEqual([{ servername: undefined, notBefore, notAfter }]);
  });

  test('may have an encrypted key, with options.passphrase', async () => {
    const root = ca('ca');
    const server = root.server();
    const key = String(
      server.privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' }),
    );
    const credentials = new Source({ key, cert: server.pem });
    expect(await (await world({ credentials, passphrase: 'x' }, root)).presented()).toBe(printOf(server));
    await expect(world({ credentials }, root)).rejects.toMatchObject({ code: 'ERR_MTLS_PASSPHRASE_INVALID' });
  });

  test('is replaced at a notice, on new connections, and is reported', async () => {
    const { root, source, mtls, recorder, as, presented, close } = await world();
    const client1 = as(root.client('client1'), { keepAlive: true });
    const { localPort } = await client1.get();
    const next = root.server({ notAfter: fromNow(2 * day) });
    source.give(pairOf(next));
    await until(() => recorder.events('reloaded').length > 0, 'the pair is in force');
    expect(await presented()).toBe(printOf(next));
    expect(await client1.get()).toMatchObject({ status: 200, localPort });
    expect(recorder.events('reloaded')).toMatchObject([
      { changed: true, evicted: 0, certificates: [{ servername: undefined }] },
    ]);
    expect(mtls.certificates[0]?.notAfter.getTime()).toBe(Math.floor(next.notAfter.getTime() / 1000) * 1000);
    expect(recorder.linesOf('reloaded')).toMatchObject([
      { message: expect.stringContaining('server certificate replaced') },
    ]);
    expect(source.isWatched).toBe(true);
    close();
    await until(() => !source.isWatched, 'the subscription ends');
  });

  test('is replaced thirty times without losing a request or a connection', async () => {
    const { root, source, recorder, as, presented } = await world();
    const kept = [1, 2, 3, 4].map((number) => as(root.client(`kept${number}`), { keepAlive: true }));
    const fresh = as(root.client('fresh'));
    let isOver = false;
    const answers: unknown[] = [];
    const calling = [...kept, fresh].map(async (client) => {
      while (!isOver) answers.push((await client.get()).status);
    });
    const ports = await Promise.all(kept.map(async (client) => (await client.get()).localPort));
    let last = root.server();
    for (let count = 1; count <= 30; count++) {
      last = root.server();
      source.give(pairOf(last));
      await until(() => recorder.events('reloaded').length >= count, `pair ${count} is in force`, 60_000);
    }
    isOver = true;
    await Promise.all(calling);
    expect(answers.length).toBeGreaterThan(30);
    expect(new Set(answers)).toEqual(new Set([200]));
    expect(await Promise.all(kept.map(async (client) => (await client.get()).localPort))).toEqual(ports);
    expect(await presented()).toBe(printOf(last));
    expect(recorder.events('reload-failed')).toEqual([]);
  }, 120_000);

  test('is used by protect(), and read once by createServerOptions()', async () => {
    const root = ca('ca');
    const [one, other] = [root.server(), root.server()];
    const options = { ca: root.pem, crl: root.crl().pem, logger: new Recorder().logger };
    const client = root.client('client1');
    const seenAt = async (port: number): Promise<unknown> => {
      const { status, serverFingerprint } = await new Client({ port, ca: root.pem }, client).get();
      return [status, serverFingerprint];
    };

    const guarded = https.createServer({ requestCert: true, rejectUnauthorized: false }, helloApp());
    const source = new Source(pairOf(one));
    const mtls = await protect(guarded, { ...options, credentials: source });
    const port = await listen(guarded);
    expect(await seenAt(port)).toEqual([200, printOf(one)]);
    source.give(pairOf(other));
    await until(
      async () => String(await seenAt(port)) === `200,${printOf(other)}`,
      'the new pair is presented',
    );
    await mtls.close();

    const once = new Source(pairOf(one));
    const plain = https.createServer(
      await createServerOptions({ ...options, credentials: once }),
      helloApp(),
    );
    expect(await seenAt(await listen(plain))).toEqual([200, printOf(one)]);
    expect(once).toMatchObject({ calls: 1, isWatched: false });
  });
});

interface Fault {
  readonly what: string;
  readonly code: string;
  readonly gives: (world: World) => unknown;
}

const faults: readonly Fault[] = [
  {
    what: 'the key of another certificate',
    code: 'ERR_MTLS_KEY_MISMATCH',
    gives: ({ root }) => ({ ...pairOf(root.server()), key: root.server().keyPem }),
  },
  {
    what: 'an expired certificate',
    code: 'ERR_MTLS_SERVER_CERTIFICATE_INVALID',
    gives: ({ root }) => pairOf(root.server({ notBefore: fromNow(-2 * day), notAfter: fromNow(-day) })),
  },
  {
    what: 'a garbled certificate',
    code: 'ERR_MTLS_PEM_INVALID',
    gives: ({ root }) => ({ ...pairOf(root.server()), cert: Buffer.from('garbled') }),
  },
  {
    what: 'a garbled key',
    code: 'ERR_MTLS_PEM_INVALID',
    gives: ({ root }) => ({ ...pairOf(root.server()), key: Buffer.from('garbled') }),
  },
  {
    what: 'an encrypted key without a passphrase',
    code: 'ERR_MTLS_PASSPHRASE_INVALID',
    gives: ({ root }) => {
      const { privateKey, pem } = root.server();
      const key = privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' });
      return { key, cert: pem };
    },
  },
  {
    what: 'paths',
    code: 'ERR_MTLS_SOURCE_UNREADABLE',
    gives: () => ({ key: '/run/key.pem', cert: '/run/crt.pem' }),
  },
  {
    what: 'no certificate',
    code: 'ERR_MTLS_SOURCE_UNREADABLE',
    gives: ({ root }) => ({ key: root.server().keyPem }),
  },
  { what: 'nothing', code: 'ERR_MTLS_SOURCE_UNREADABLE', gives: () => undefined },
  {
    what: 'empty Buffers',
    code: 'ERR_MTLS_SOURCE_UNREADABLE',
    gives: () => ({ key: Buffer.alloc(0), cert: Buffer.alloc(0) }),
  },
  {
    what: 'an empty bundle',
    code: 'ERR_MTLS_SOURCE_UNREADABLE',
    gives: ({ root }) => ({ ...pairOf(root.server()), ca: [] }),
  },
  {
    what: 'a garbled bundle',
    code: 'ERR_MTLS_PEM_INVALID',
    gives: ({ root }) => ({ ...pairOf(root.server()), ca: [root.pem, Buffer.from('garbled')] }),
  },
  {
    what: 'a bundle with the certificate of a client',
    code: 'ERR_MTLS_CA_INVALID',
    gives: ({ root }) => ({ ...pairOf(root.server()), ca: [root.client('client1').pem] }),
  },
];

/** What must work whatever is wrong with the loader: a revocation, and a new CA. */
async function expectUnimpeded({ root, files, mtls, as }: World): Promise<void> {
  const partner = ca('partner');
  const [client1, client2] = [root.client('client1'), root.client('client2')];
  const old2 = as(client2, { keepAlive: true });
  expect(await old2.get()).toMatchObject({ status: 200 });
  publish(files.ca, root.pem + partner.pem);
  await until(() => mtls.authorities.length === 2, 'the new CA is in force');
  publish(files.crl, root.crl({ number: 2, revoked: [client2] }).pem + partner.crl().pem);
  const published = ownTime();
  await until(() => old2.connection.isClosed, 'the connection of client2 is closed');
  expect(ownTime() - published).toBeLessThan(5000);
  expect(await as(client1).get()).toMatchObject({ status: 200 });
  expect(await as(partner.client()).get()).toMatchObject({ status: 200 });
}

describe('a fault keeps the pair in force, is listed until it is fixed, and delays neither a CRL nor a CA:', () => {
  test.each(faults.map((fault) => [fault.what, fault] as const))('%s', async (_what, { gives, code }) => {
    const one = await world();
    const { root, source, first, mtls, recorder, presented } = one;
    source.give(gives(one));
    const began = ownTime();
    await until(() => mtls.faults.length > 0, 'the fault stands');
    // Both halves came at once, so there is no wait for the other.
    expect(ownTime() - began).toBeLessThan(8000);
    expect(mtls.faults).toMatchObject([{ source: origin, error: { code } }]);
    expect(mtls).toMatchObject({ healthy: false, ready: true });
    expect(await presented()).toBe(printOf(first));
    await expectUnimpeded(one);
    expect(mtls.faults).toMatchObject([{ source: origin, error: { code } }]);
    expect(JSON.stringify([mtls.faults, recorder.lines])).not.toMatch(/BEGIN [^…]|PRIVATE KEY-|\/run\/key/);

    const next = root.server();
    source.give(pairOf(next));
    await until(() => recorder.events('recovered').length > 0, 'it has recovered');
    expect(recorder.events('recovered')).toMatchObject([{ source: origin }]);
    expect(recorder.linesOf('reload-failed')).toHaveLength(1);
    expect(await presented()).toBe(printOf(next));
  });

  test('a rejection, whose message is not repeated if it quotes a key', async () => {
    const one = await world();
    const { source, root, first, mtls, recorder, presented } = one;
    const { keyPem } = root.server();
    source.answer(() => Promise.reject(new Error(`cannot parse ${keyPem}`)));
    await until(() => mtls.faults.length > 0, 'the fault stands');
    expect(mtls.faults).toMatchObject([{ source: origin, error: { code: 'ERR_MTLS_SOURCE_UNREADABLE' } }]);
    expect(mtls.fault?.cause).toBeUndefined();
    await expectUnimpeded(one);
    source.answer(() => Promise.reject(new Error('the agent is away')));
    await until(() => mtls.fault?.seen === 'it rejected: the agent is away', 'the other fault stands');
    expect(await presented()).toBe(printOf(first));
    expect(JSON.stringify(recorder.lines)).not.toContain('PRIVATE');
  });

  test('a loader that does not settle', async () => {
    const one = await world();
    one.source.answer(() => new Promise(() => {}));
    await until(() => one.source.calls > 1, 'it is called');
    await expectUnimpeded(one);
    expect(one.mtls.faults).toEqual([]);
  });

  test('a pair with which no handshake succeeds', async () => {
    const one = await world({ tls: { sigalgs: 'ecdsa_secp256r1_sha256' } });
    const { root, source, first, mtls, presented } = one;
    source.give(pairOf(root.server({ key: 'rsa2048' })));
    await until(() => mtls.faults.length > 0, 'the fault stands');
    expect(mtls.faults).toMatchObject([{ source: origin }]);
    expect(await presented()).toBe(printOf(first));
    await expectUnimpeded(one);
  });
});

describe('the CAs of a loader', () => {
  const bundled = (certificate: Certificate, ...cas: CertificateAuthority[]): LoadedCredentials => ({
    ...pairOf(certificate),
    ca: cas.map(({ pem }) => pem),
  });

  /** A server whose loader also gives the CA `mesh`, whose CRL is beside that of the root. */
  async function meshed(given: Given = {}): Promise<World & { mesh: CertificateAuthority; old: Client }> {
    const [root, mesh] = [ca('ca'), ca('mesh')];
    const crl = [root.crl().pem, mesh.crl().pem].join('');
    const one = await world({ bundle: [mesh], crl, ...given }, root);
    const old = one.as(mesh.client('theirs'), { keepAlive: true });
    expect(await old.get()).toMatchObject({ status: 200 });
    return { ...one, mesh, old };
  }

  test('are added to options.ca', async () => {
    const { root, mtls, as } = await meshed();
    expect(await as(root.client('ours')).get()).toMatchObject({ status: 200 });
    expect(mtls.authorities.map(({ subject }) => String(subject))).toEqual(['CN=ca', 'CN=mesh']);
  });

  test('can be all CAs, and are then required', async () => {
    const [root, mesh] = [ca('ca'), ca('mesh')];
    const credentials = new Source(bundled(root.server(), mesh));
    const recorder = new Recorder();
    const options = { credentials, crl: mesh.crl().pem, logger: recorder.logger };
    const server = await createServer(options, helloApp());
    recorder.listenTo(server.mtls);
    const port = await listen(server);
    const as = (certificate: Certificate): Client => new Client({ port, ca: root.pem }, certificate);
    expect(await as(mesh.client()).get()).toMatchObject({ status: 200 });
    expect(await as(root.client()).get()).toMatchObject({ status: 'refused' });

    credentials.give(pairOf(root.server()));
    await until(() => server.mtls.faults.length > 0, 'the fault stands');
    expect(server.mtls.faults).toMatchObject([
      { source: origin, error: { code: 'ERR_MTLS_SOURCE_UNREADABLE' } },
    ]);
    expect(await as(mesh.client()).get()).toMatchObject({ status: 200 });
    await expect(
      createServer({ ...options, credentials: new Source(pairOf(root.server())) }),
    ).rejects.toMatchObject({
      code: 'ERR_MTLS_SOURCE_UNREADABLE',
      message: expect.stringContaining('a pair without ca, and options.ca is not set'),
    });
  });

  test('come into force in one commit with the new certificate', async () => {
    const [root, mesh, next] = [ca('ca'), ca('mesh'), ca('next')];
    const crls = [root, mesh, next].map((one) => one.crl().pem);
    const { files, source, recorder, as, presented } = await world(
      { bundle: [mesh], watch: { pollMs: 50 } },
      root,
    );
    publish(files.crl, crls.join(''));
    await until(() => recorder.events('reloaded').length > 0, 'the CRL of mesh is in force');
    await until(() => recorder.events('reload-failed').length > 0, 'the CRL of next waits for its CA');
    const renewed = root.server();
    source.give(bundled(renewed, mesh, next));
    await until(() => recorder.events('reloaded').length > 1, 'the change is in force');
    expect(recorder.events('reloaded')[1]).toMatchObject({
      certificates: [{ servername: undefined }],
      addedCas: [{ crl: 'loaded' }],
      removedCas: [],
    });
    expect(await presented()).toBe(printOf(renewed));
    expect(await as(next.client()).get()).toMatchObject({ status: 200 });
  });

  test('that are no longer in it are removed immediately, even beside a pair that cannot be used', async () => {
    const { root, first, source, mtls, as, old, presented } = await meshed();
    const other = ca('other');
    source.give({ ...bundled(root.server(), root, other), key: root.server().keyPem });
    await until(() => old.connection.isClosed, 'their client is disconnected');
    expect(mtls.fault).toMatchObject({ code: 'ERR_MTLS_KEY_MISMATCH' });
    expect(mtls.authorities.map(({ subject }) => String(subject))).toEqual(['CN=ca']);
    expect(await presented()).toBe(printOf(first));
    expect(await as(root.client('ours')).get()).toMatchObject({ status: 200 });
    // They do not come back when the loader fails altogether.
    source.answer(() => Promise.reject(new Error('the agent is away')));
    await until(() => mtls.fault?.code === 'ERR_MTLS_SOURCE_UNREADABLE', 'the other fault stands');
    expect(mtls.authorities.map(({ subject }) => String(subject))).toEqual(['CN=ca']);
  });

  test('are not added with a pair that cannot be used, nor is a pair used with CAs that cannot', async () => {
    const { root, first, source, mesh, mtls, presented } = await meshed();
    const other = ca('other');
    source.give({ ...bundled(root.server(), mesh, other), key: root.server().keyPem });
    await until(() => mtls.fault?.code === 'ERR_MTLS_KEY_MISMATCH', 'the fault stands');
    await mtls.reload().catch(() => undefined);
    expect(mtls.authorities).toHaveLength(2);
    source.give({ ...pairOf(root.server()), ca: [mesh.pem, root.client().pem] });
    await until(() => mtls.fault?.code === 'ERR_MTLS_CA_INVALID', 'the other fault stands');
    await mtls.reload().catch(() => undefined);
    expect(mtls.authorities).toHaveLength(2);
    expect(await presented()).toBe(printOf(first));
  });

  test('that are missing, after there were some, are a fault and not an empty bundle', async () => {
    const { root, first, source, mtls, old, presented } = await meshed();
    source.give(pairOf(root.server()));
    await until(() => mtls.faults.length > 0, 'the fault stands');
    expect(mtls.fault).toMatchObject({
      code: 'ERR_MTLS_SOURCE_UNREADABLE',
      seen: 'it resolved to a pair without ca, and to one with ca before',
    });
    expect(await old.get()).toMatchObject({ status: 200 });
    expect(await presented()).toBe(printOf(first));
  });
});

describe('a name of sni', () => {
  async function named(
    own: object,
    pair: (root: CertificateAuthority, mesh: CertificateAuthority) => LoadedCredentials,
  ) {
    const [root, mesh] = [ca('ca'), ca('mesh')];
    const { files, options } = material({ root });
    const source = new Source(pair(root, mesh));
    const recorder = new Recorder();
    const server = await createServer(
      { ...options, logger: recorder.logger, sni: { 'mesh.example': { credentials: source, ...own } } },
      helloApp(),
    );
    recorder.listenTo(server.mtls);
    const port = await listen(server);
    const call = async (certificate: Certificate, servername: string): Promise<unknown[]> => {
      const { status, serverFingerprint } = await new Client({ port, ca: root.pem }, certificate, {
        servername,
      }).get('/', { headers: { host: servername } });
      return [status, serverFingerprint];
    };
    return { root, mesh, files, source, recorder, mtls: server.mtls, call };
  }

  const forMesh = { sans: { dns: ['mesh.example'] } };

  test('has a loader of its own, which is a unit of its own', async () => {
    let first: Certificate | undefined;
    const { root, source, mtls, recorder, call } = await named({}, (one) =>
      pairOf((first = one.server(forMesh))),
    );
    const client = root.client();
    expect(await call(client, 'mesh.example')).toEqual([200, printOf(first as Certificate)]);
    source.give({ ...pairOf(root.server(forMesh)), key: root.server().keyPem });
    await until(() => mtls.faults.length > 0, 'the fault stands');
    expect(mtls.faults).toMatchObject([
      { source: 'options.sni["mesh.example"].credentials.load()', error: { code: 'ERR_MTLS_KEY_MISMATCH' } },
    ]);
    const next = root.server(forMesh);
    source.give(pairOf(next));
    await until(() => recorder.events('reloaded').length > 0, 'the pair is in force');
    expect(recorder.events('reloaded')).toMatchObject([{ certificates: [{ servername: 'mesh.example' }] }]);
    expect(await call(client, 'mesh.example')).toEqual([200, printOf(next)]);
  });

  test('with CAs of its own also takes the CAs of its loader', async () => {
    const partner = ca('partner');
    const { root, mesh, call } = await named({ ca: partner.pem }, (one, other) => ({
      ...pairOf(one.server(forMesh)),
      ca: [other.pem],
    }));
    const status = async (client: Certificate): Promise<unknown> => (await call(client, 'mesh.example'))[0];
    expect(await status(partner.client())).toBe(200);
    expect(await status(mesh.client())).toBe(200);
    expect(await status(root.client())).toBe('refused');
  });

  test('without clients of its own refuses the CAs of its loader', async () => {
    await expect(
      named({}, (one, other) => ({ ...pairOf(one.server(forMesh)), ca: [other.pem] })),
    ).rejects.toMatchObject({
      code: 'ERR_MTLS_SOURCE_UNREADABLE',
      message: expect.stringContaining('this name admits the clients of the server'),
    });
  });

  test('has either a loader or key and cert, and no CRLs without CAs', async () => {
    const root = ca('ca');
    const source = new Source(bundledWith(root));
    const base = { credentials: source, logger: new Recorder().logger };
    await expect(
      createServer({ ...base, sni: { 'a.example': { credentials: source, key: 'key.pem' } as never } }),
    ).rejects.toMatchObject({
      message: expect.stringContaining(
        'sni["a.example"].credentials and sni["a.example"].key exclude each other',
      ),
    });
    await expect(
      createServer({ ...base, sni: { 'a.example': { key: 'key.pem', cert: 'crt.pem', crl: 'crl.pem' } } }),
    ).rejects.toMatchObject({
      code: 'ERR_MTLS_OPTION_INVALID',
      message: expect.stringContaining('set sni["a.example"].ca'),
    });
  });

  const bundledWith = (root: CertificateAuthority): LoadedCredentials => ({
    ...pairOf(root.server()),
    ca: [root.pem],
  });
});

describe('at the start,', () => {
  test.each(faults.map((fault) => [fault.what, fault] as const))('%s is an error', async (_what, fault) => {
    const root = ca('ca');
    const credentials = new Source(fault.gives({ root } as World) as LoadedCredentials);
    await expect(world({ credentials }, root)).rejects.toMatchObject({
      code: fault.code,
      message: expect.stringContaining('options.credentials.load()'),
    });
  });

  test('key and cert beside it are errors, and so is anything but a loader', async () => {
    const root = ca('ca');
    const pair = { key: root.server().keyPem, cert: 'server-crt.pem' };
    await expect(world(pair as object)).rejects.toMatchObject({
      code: 'ERR_MTLS_OPTION_INVALID',
      message:
        'credentials and key and cert exclude each other, because the loader gives both key and certificate; omit key and cert, or credentials',
    });
    await expect(world({ cert: 'server-crt.pem' } as object)).rejects.toMatchObject({
      message: expect.stringContaining('credentials and cert exclude each other'),
    });
    await expect(world({ credentials: 'server.pem' } as object)).rejects.toMatchObject({
      code: 'ERR_MTLS_OPTION_INVALID',
      message: expect.stringContaining('credentials is "server.pem"'),
    });
    await expect(world({ ca: undefined } as object)).rejects.toMatchObject({
      code: 'ERR_MTLS_OPTION_INVALID',
    });
  });
});
