import {
  appendFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { X509Certificate } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { clientIdentity, identify, protect, requestLog } from 'express-mtls';
import type { SourceLoader, MtlsOptions } from 'express-mtls';
import { type Certificate, type CertificateAuthority, ca, largeCrl } from '../support/chain.js';
import { Client, tlsVersions } from '../support/client.js';
import { temporaryDirectory, writeMaterial } from '../support/files.js';
import { ProcessServer } from '../support/process-server.js';
import { Program } from '../support/program.js';
import {
  Recorder,
  type StartOptions,
  type TestServer,
  http2Server,
  listen,
  material,
  pause,
  publish,
  startServer,
  until,
} from '../support/server.js';
import { aSecond, ownTime } from '../support/elapsed.js';

const hour = 3_600_000;
const inMs = (ms: number): Date => new Date(Date.now() + ms);

interface World extends TestServer {
  readonly client1: Certificate;
  readonly client2: Certificate;
  /** Each with a connection that is open already. */
  readonly old1: Client;
  readonly old2: Client;
  readonly port1: number | undefined;
  /** A CRL that revokes client2. */
  readonly revoking: { readonly pem: string; readonly der: Buffer };
}

/** A server, and two clients on connections of their own. */
async function world(given: StartOptions & { version?: 'TLSv1.2' | 'TLSv1.3' } = {}): Promise<World> {
  const root = given.root ?? ca('ca');
  const [client1, client2] = [root.client('client1'), root.client('client2')];
  const server = await startServer({ ...given, root });
  const options = { keepAlive: true, ...(given.version === undefined ? {} : { version: given.version }) };
  const [old1, old2] = [server.as(client1, options), server.as(client2, options)];
  const { status, localPort } = await old1.get();
  expect([status, (await old2.get()).status]).toEqual([200, 200]);
  const revoking = root.crl({ number: 2, revoked: [client2] });
  return { ...server, client1, client2, old1, old2, port1: localPort, revoking };
}

/** client2 is cut off within a second, on its old connection and on new ones; client1 is not affected. */
async function expectEnforced(world: World, change: () => Promise<void> | void): Promise<void> {
  await change();
  const changed = ownTime();
  await until(() => world.old2.connection.isClosed, 'the connection of client2 is closed');
  expect(ownTime() - changed).toBeLessThan(aSecond);
  expect(await world.as(world.client2).get()).toMatchObject({ status: 'refused' });
  expect(world.recorder.events('refused')).toMatchObject([{ reason: 'revoked' }]);
  expect(await world.old1.get()).toMatchObject({ status: 200, localPort: world.port1 });
  expect(await world.as(world.client1).get()).toMatchObject({ status: 200 });
  await until(() => world.recorder.events('reloaded').length > 0, 'the reload is reported');
  expect(world.recorder.events('reloaded')).toMatchObject([
    { changed: true, added: 1, removed: 0, evicted: 1 },
  ]);
  expect(world.recorder.events('evicted')).toMatchObject([
    { reason: 'revoked', identity: { commonName: 'client2' }, remoteAddress: '127.0.0.1' },
  ]);
  expect(world.recorder.linesOf('reloaded')).toHaveLength(1);
  expect(world.recorder.linesOf('evicted')).toHaveLength(1);
}

describe('a CRL that revokes client2 is in force within a second,', () => {
  test('written in place', async () => {
    const server = await world();
    await expectEnforced(server, () => {
      writeFileSync(server.files.crl, server.revoking.pem);
    });
  });

  test('written in place slowly, so that half of it is read', async () => {
    const server = await world();
    await expectEnforced(server, async () => {
      const half = server.revoking.pem.length / 2;
      writeFileSync(server.files.crl, server.revoking.pem.slice(0, half));
      await pause(250);
      appendFileSync(server.files.crl, server.revoking.pem.slice(half));
    });
  });

  test('moved into the place of the old one', async () => {
    const server = await world();
    await expectEnforced(server, () => {
      publish(server.files.crl, server.revoking.pem);
    });
  });

  test('created after the old one was deleted', async () => {
    const server = await world();
    await expectEnforced(server, async () => {
      rmSync(server.files.crl);
      await pause(250);
      writeFileSync(server.files.crl, server.revoking.pem);
    });
  });

  test('as DER in place of PEM', async () => {
    const server = await world();
    await expectEnforced(server, () => {
      publish(server.files.crl, server.revoking.der);
    });
  });

  test('too long for OpenSSL: the client is disconnected before the secure context is swapped', async () => {
    const server = await world({ options: { revocation: { opensslEntries: 0 } } });
    const order: string[] = [];
    const swap = server.server.setSecureContext.bind(server.server);
    server.server.setSecureContext = (options) => {
      order.push('crl' in options ? 'swapped' : 'swapped, without CRLs');
      swap(options);
    };
    server.mtls.on('evicted', () => order.push('evicted'));
    await expectEnforced(server, () => {
      publish(server.files.crl, server.revoking.pem);
    });
    expect(order).toEqual(['evicted', 'swapped, without CRLs']);
  });

  test('by a symbolic link that is swapped', async () => {
    const { root, folder, file } = linked('first.pem');
    const server = await world({ root, options: { crl: file } });
    await expectEnforced(server, () => {
      writeFileSync(join(folder, 'second.pem'), server.revoking.pem);
      relink(file, 'second.pem');
    });
  });

  test('by a symbolic link whose target is written in another directory', async () => {
    const elsewhere = join(temporaryDirectory(), 'crl.pem');
    const { root, file } = linked(elsewhere);
    const server = await world({ root, options: { crl: file } });
    await expectEnforced(server, () => {
      publish(elsewhere, server.revoking.pem);
    });
  });

  test('by the swap of ..data, as Kubernetes updates a mounted volume', async () => {
    const root = ca('ca');
    const volume = temporaryDirectory();
    for (const version of ['..first', '..second']) mkdirSync(join(volume, version));
    writeFileSync(join(volume, '..first', 'ca-crl.pem'), root.crl().pem);
    symlinkSync('..first', join(volume, '..data'));
    symlinkSync(join('..data', 'ca-crl.pem'), join(volume, 'ca-crl.pem'));
    const server = await world({ root, options: { crl: join(volume, 'ca-crl.pem') } });
    await expectEnforced(server, () => {
      writeFileSync(join(volume, '..second', 'ca-crl.pem'), server.revoking.pem);
      relink(join(volume, '..data'), '..second');
      rmSync(join(volume, '..first'), { recursive: true });
    });
  });

  test('as another file in a directory of CRLs', async () => {
    const { root, folder } = crlDirectory();
    const server = await world({ root, options: { crl: folder } });
    await expectEnforced(server, () => {
      publish(join(folder, 'second.pem'), server.revoking.pem);
    });
  });

  test('as the same file in a directory of CRLs', async () => {
    const { root, folder } = crlDirectory();
    const server = await world({ root, options: { crl: folder } });
    await expectEnforced(server, () => {
      writeFileSync(join(folder, 'first.pem'), server.revoking.pem);
    });
  });

  test('in a directory that is moved into the place of the old one', async () => {
    const { root, folder } = crlDirectory();
    const server = await world({ root, options: { crl: folder } });
    await expectEnforced(server, () => {
      mkdirSync(`${folder}.new`);
      writeFileSync(join(`${folder}.new`, 'first.pem'), server.revoking.pem);
      renameSync(folder, `${folder}.old`);
      renameSync(`${folder}.new`, folder);
    });
  });

  test('as the second of two CAs in one PEM file', async () => {
    const root = ca('ca');
    const second = ca('second');
    const server = await world({ root, cas: [second, root], crl: second.crl().pem + root.crl().pem });
    await expectEnforced(server, () => {
      publish(server.files.crl, second.crl().pem + server.revoking.pem);
    });
    expect(await server.as(second.client('client1')).get()).toMatchObject({ status: 200 });
  });

  test('from a loader that notifies', async () => {
    const root = ca('ca');
    let crl = root.crl().der;
    let notify: (() => void) | undefined;
    const loader: SourceLoader = {
      load: () => Promise.resolve([crl]),
      watch: (changed) => {
        notify = changed;
        return { [Symbol.dispose]: () => (notify = undefined) };
      },
    };
    const server = await world({ root, options: { crl: loader } });
    await expectEnforced(server, () => {
      crl = server.revoking.der;
      notify?.();
    });
    await server.mtls.close();
    expect(notify).toBeUndefined();
  });

  test('by reload() without a watch', async () => {
    const server = await world({ options: { watch: false } });
    await expectEnforced(server, async () => {
      publish(server.files.crl, server.revoking.pem);
      expect(await server.mtls.reload()).toMatchObject({ changed: true, added: 1, removed: 0, evicted: 1 });
    });
  });
});

describe.each(tlsVersions)('open connections of a client that is revoked, over %s,', (version) => {
  test('are closed: keep-alive, upgraded, in the middle of an answer; those of others go on', async () => {
    const root = ca('ca');
    const [client1, client2] = [root.client('client1'), root.client('client2')];
    const open: (() => void)[] = [];
    const server = await startServer({
      root,
      app: (req, res) => {
        res.writeHead(200, { 'Content-Type': 'text/plain' });
        res.write('begun ');
        if (req.url === '/slow') open.push(() => res.end('ended'));
        else res.end('at once');
      },
    });
    server.server.on('upgrade', (req: IncomingMessage, socket: Socket) => {
      expect(identify(req)).toBeDefined();
      echo(socket);
    });
    const kinds = async (certificate: Certificate): Promise<Kinds> => {
      const keepAlive = server.as(certificate, { version, keepAlive: true });
      await keepAlive.get();
      const upgraded = await server.as(certificate, { version }).upgrade();
      expect(await upgraded.echo('before')).toBe('before');
      const answering = server.as(certificate, { version });
      const answer = answering.get('/slow');
      return { keepAlive, upgraded, answering, answer };
    };
    const good = await kinds(client1);
    const bad = await kinds(client2);
    await until(() => open.length === 2, 'both answers have begun');
    const { localPort } = await good.keepAlive.get();
    expect([...server.mtls.connections]).toHaveLength(6);

    publish(server.files.crl, root.crl({ number: 2, revoked: [client2] }).pem);
    const published = ownTime();
    await until(
      () => bad.keepAlive.connection.isClosed && bad.upgraded.isClosed && bad.answering.connection.isClosed,
      'all connections of client2 are closed',
    );
    expect(ownTime() - published).toBeLessThan(aSecond);
    expect(await bad.answer).toMatchObject({ status: 'refused' });

    expect([...server.mtls.connections].map(({ identity }) => identity.commonName)).toEqual(
      Array(3).fill('client1'),
    );
    expect(await good.upgraded.echo('after')).toBe('after');
    for (const end of open) end();
    expect(await good.answer).toMatchObject({ status: 200, body: 'begun ended' });
    expect(await good.keepAlive.get()).toMatchObject({ status: 200, localPort });
    await until(() => server.recorder.events('reloaded').length > 0, 'the reload is reported');
    expect(server.recorder.events('reloaded')).toMatchObject([{ evicted: 3 }]);
  });

  test('are closed on HTTP/2 as well, session and all', async () => {
    const written = material();
    const { root, options, files } = written;
    const [client1, client2] = [root.client('client1'), root.client('client2')];
    const recorder = new Recorder();
    const server = http2Server(written);
    const mtls = await protect(server, { ...options, logger: recorder.logger });
    recorder.listenTo(mtls);
    server.on('request', (req, res) => {
      res.end(`hello ${identify(req)?.commonName ?? 'nobody'}`);
    });
    const target = { port: await listen(server), ca: root.pem };
    const good = await new Client(target, client1, { version }).http2();
    const bad = await new Client(target, client2, { version }).http2();
    expect(await bad.get()).toEqual({ status: 200, body: 'hello client2' });

    publish(files.crl, root.crl({ number: 2, revoked: [client2] }).pem);
    const published = ownTime();
    await until(() => bad.isClosed, 'the session of client2 is closed');
    expect(ownTime() - published).toBeLessThan(aSecond);
    expect(await good.get()).toEqual({ status: 200, body: 'hello client1' });
    await expect(bad.get()).rejects.toThrow();
    expect(recorder.events('evicted')).toMatchObject([{ identity: { commonName: 'client2' } }]);
  });

  test('deliver nothing more, even if the client keeps sending', async () => {
    const root = ca('ca');
    const client2 = root.client('client2');
    const server = await startServer({ root, options: { watch: false } });
    let received = '';
    server.server.on('upgrade', (_req: IncomingMessage, socket: Socket) => {
      echo(socket);
      socket.on('data', (data: Buffer) => (received += data.toString()));
    });
    const send = await server.as(client2, { version }).upgradeStubbornly();
    send('before');
    await until(() => received === 'before\n', 'the line has come');
    publish(server.files.crl, root.crl({ number: 2, revoked: [client2] }).pem);
    expect(await server.mtls.reload()).toMatchObject({ evicted: 1 });
    for (let times = 0; times < 20; times++) {
      send('after');
      await pause(5);
    }
    expect(received).toBe('before\n');
  });

  test('include those whose handshake comes after the CRL, on a TCP connection from before it', async () => {
    const root = ca('ca');
    const client2 = root.client('client2');
    const server = await startServer({ root, options: { watch: false } });
    const dialled = await server.as(client2, { version }).dial();
    publish(server.files.crl, root.crl({ number: 2, revoked: [client2] }).pem);
    await server.mtls.reload();
    expect(await dialled.call()).toBe('');
    expect(server.recorder.events('refused')).toMatchObject([{ reason: 'revoked' }]);
    expect(server.served).toEqual([]);
  });
});

test('a request that arrives with the commit is judged by the new CRL, though its connection stands a moment longer', async () => {
  const { root, options, files } = material();
  const client2 = root.client('client2');
  const recorder = new Recorder();
  const reached: string[] = [];
  const middleware = clientIdentity();
  const log = requestLog({ logger: recorder.logger });
  const server = https.createServer(
    {
      key: readFileSync(files.key),
      cert: readFileSync(files.cert),
      requestCert: true,
      rejectUnauthorized: false,
    },
    (req, res) => {
      log(req, res, () => {
        // The commit happens here, between the parser and the middleware.
        if (req.url === '/race') publish(files.crl, root.crl({ number: 2, revoked: [client2] }).pem);
        const ready = req.url === '/race' ? mtls.reload().then(() => undefined) : Promise.resolve();
        void ready.then(() => {
          middleware(req, res, (error) => {
            reached.push(error === undefined ? 'handler' : (error as { code: string }).code);
            res.end();
          });
        });
      });
    },
  );
  const mtls = await protect(server, { ...options, watch: false, logger: recorder.logger });
  const client = new Client({ port: await listen(server), ca: root.pem }, client2, { keepAlive: true });
  await client.get('/');
  expect(await client.get('/race')).toMatchObject({ status: 'refused' });
  await until(() => reached.length === 2, 'the middleware has answered');
  expect(reached).toEqual(['handler', 'ERR_MTLS_CERTIFICATE_REVOKED']);
});

interface Broken {
  readonly title: string;
  readonly make: (root: CertificateAuthority) => string | Buffer | undefined;
  readonly code: string;
}

const broken: Broken[] = [
  { title: 'an empty file', make: () => '', code: 'ERR_MTLS_PEM_INVALID' },
  {
    title: 'half a PEM block',
    make: (root) => root.crl({ number: 3 }).pem.slice(0, 200),
    code: 'ERR_MTLS_PEM_INVALID',
  },
  {
    title: 'half a DER file',
    make: (root) => root.crl({ number: 3 }).der.subarray(0, 150),
    code: 'ERR_MTLS_CRL_INVALID',
  },
  { title: 'garbage', make: () => 'no CRL\n', code: 'ERR_MTLS_PEM_INVALID' },
  { title: 'a certificate', make: (root) => root.pem, code: 'ERR_MTLS_CRL_INVALID' },
  {
    title: 'a forged CRL',
    make: (root) => root.crl({ number: 3, signWith: ca('ca').privateKey }).pem,
    code: 'ERR_MTLS_CRL_SIGNATURE_INVALID',
  },
  {
    title: 'a forged CRL that a thread reads',
    make: (root) => largeCrl(root, { entries: 20_000, number: 3, signWith: ca('ca').privateKey }).der,
    code: 'ERR_MTLS_CRL_SIGNATURE_INVALID',
  },
  {
    title: 'a CRL of another CA',
    make: () => ca('other').crl({ number: 3 }).pem,
    code: 'ERR_MTLS_CRL_ISSUER_UNKNOWN',
  },
  {
    title: 'an expired CRL',
    make: (root) => root.crl({ number: 3, thisUpdate: inMs(-10_000), nextUpdate: inMs(-5000) }).pem,
    code: 'ERR_MTLS_CRL_EXPIRED',
  },
  {
    title: 'a CRL that is not valid yet',
    make: (root) => root.crl({ number: 3, thisUpdate: inMs(hour) }).pem,
    code: 'ERR_MTLS_CRL_INVALID',
  },
  { title: 'a lower CRL number', make: (root) => root.crl({ number: 1 }).pem, code: 'ERR_MTLS_CRL_ROLLBACK' },
  {
    title: 'an earlier thisUpdate',
    make: (root) => root.crl({ number: 3, thisUpdate: inMs(-2 * hour) }).pem,
    code: 'ERR_MTLS_CRL_ROLLBACK',
  },
  {
    title: 'no CRL number where there was one',
    make: (root) => root.crl({ number: null }).pem,
    code: 'ERR_MTLS_CRL_ROLLBACK',
  },
  {
    title: 'an unknown critical extension',
    make: (root) =>
      root.crl({
        number: 3,
        extraExtensions: [{ oid: '1.2.3.4', critical: true, value: Buffer.from([5, 0]) }],
      }).pem,
    code: 'ERR_MTLS_CRL_UNSUPPORTED',
  },
  { title: 'no file at all', make: () => undefined, code: 'ERR_MTLS_SOURCE_UNREADABLE' },
];

describe.each(broken)('$title in the place of the CRL', ({ make, code }) => {
  test('is reported once, changes nothing, and is recovered from when a valid one follows', async () => {
    const root = ca('ca');
    const [client1, client2, client3] = ['client1', 'client2', 'client3'].map((name) => root.client(name));
    const crl = root.crl({ number: 2, revoked: [client2!] }).pem;
    const server = await startServer({ root, crl });
    const old = [client1, client3].map((certificate) => server.as(certificate, { keepAlive: true }));
    const ports = await Promise.all(old.map(async (client) => (await client.get()).localPort));

    const content = make(root);
    if (content === undefined) rmSync(server.files.crl);
    else publish(server.files.crl, content);
    await until(() => server.recorder.events('reload-failed').length > 0, 'the failure is reported');
    const [failure] = server.recorder.events('reload-failed');
    expect(failure?.source).toBeDefined();
    expect(failure?.error).toMatchObject({ code, message: expect.stringContaining(server.files.crl) });

    // Looked at again, it is the same fault.
    for (let again = 0; again < 3; again++) {
      await pause(20);
      await expect(server.mtls.reload()).rejects.toMatchObject({ code });
    }
    expect(server.recorder.events('reload-failed')).toHaveLength(1);
    expect(server.recorder.linesOf('reload-failed')).toMatchObject([
      { level: 'error', fields: { code, detail: expect.stringContaining(server.files.crl) } },
    ]);
    expect(server.mtls.revocation).toMatchObject({ healthy: true, crls: [{ number: '2', entries: 1 }] });
    expect(await server.as(client2).get()).toMatchObject({ status: 'refused' });
    for (const [index, client] of old.entries())
      expect(await client.get()).toMatchObject({ status: 200, localPort: ports[index] });
    expect(server.recorder.events('reloaded')).toEqual([]);

    publish(server.files.crl, root.crl({ number: 4, revoked: [client2!, client3!] }).pem);
    await until(() => old[1]!.connection.isClosed, 'the connection of client3 is closed');
    expect(await old[0]!.get()).toMatchObject({ status: 200, localPort: ports[0] });
    await until(() => server.recorder.events('reloaded').length > 0, 'the reload is reported');
    expect(server.recorder.events('reloaded')).toMatchObject([{ added: 1, removed: 0, evicted: 1 }]);
    expect(server.mtls.revocation).toMatchObject({ crls: [{ number: '4', entries: 2 }] });
  });
});

test('a file that stays broken is reported once, although it is tried repeatedly', async () => {
  const root = ca('ca');
  const server = await startServer({ root });
  publish(server.files.crl, root.crl({ number: 3, thisUpdate: inMs(-10_000), nextUpdate: inMs(-5000) }).pem);
  await until(() => server.recorder.events('reload-failed').length > 0, 'the failure is reported');
  await pause(2500);
  expect(server.recorder.events('reload-failed')).toHaveLength(1);
  expect(server.recorder.linesOf('reload-failed')).toHaveLength(1);
});

test('a CRL that was not valid yet is accepted later without a change of the file', async () => {
  const root = ca('ca');
  const client2 = root.client('client2');
  const server = await startServer({ root });
  publish(server.files.crl, root.crl({ number: 2, revoked: [client2], thisUpdate: inMs(hour) }).pem);
  await until(() => server.recorder.events('reload-failed').length > 0, 'the failure is reported');
  server.clock.advance(hour + 60_000);
  await until(() => server.recorder.events('reloaded').length > 0, 'the CRL is in force');
  expect(await server.as(client2).get()).toMatchObject({ status: 'refused' });
});

test('a stale CRL of one CA does not delay a revocation by another CA', async () => {
  const [root, second] = [ca('ca'), ca('second')];
  const client2 = root.client('client2');
  const crls = writeMaterial(temporaryDirectory(), {
    'ca-crl.pem': root.crl({ nextUpdate: inMs(10 * hour) }).pem,
    'second-crl.pem': second.crl({ nextUpdate: inMs(hour) }).pem,
  });
  const server = await startServer({
    root,
    cas: [root, second],
    options: { crl: [crls['ca-crl.pem'], crls['second-crl.pem']] },
  });
  const old = server.as(client2, { keepAlive: true });
  expect(await old.get()).toMatchObject({ status: 200 });
  server.clock.advance(2 * hour);
  publish(crls['ca-crl.pem'], root.crl({ number: 2, revoked: [client2] }).pem);
  const published = ownTime();
  await until(() => old.connection.isClosed, 'the connection of client2 is closed');
  expect(ownTime() - published).toBeLessThan(aSecond);
});

describe('the report', () => {
  test('has the numbers of added, removed and evicted', async () => {
    const root = ca('ca');
    const clients = ['client1', 'client2', 'client3', 'client4'].map((name) => root.client(name));
    const [client1, client2, client3, client4] = clients as [
      Certificate,
      Certificate,
      Certificate,
      Certificate,
    ];
    const server = await startServer({ root, options: { watch: false } });
    const open = async (certificate: Certificate): Promise<Client> => {
      const client = server.as(certificate, { keepAlive: true });
      expect(await client.get()).toMatchObject({ status: 200 });
      return client;
    };
    const first = await open(client1);
    for (const certificate of [client2, client2, client3, client4]) await open(certificate);

    publish(server.files.crl, root.crl({ number: 2, revoked: [client2, client3] }).pem);
    const report = await server.mtls.reload();
    expect(report).toEqual({
      changed: true,
      added: 2,
      removed: 0,
      evicted: 3,
      certificates: [],
      addedCas: [],
      removedCas: [],
      coveredCas: [],
      durationMs: expect.any(Number),
    });
    expect(Object.isFrozen(report)).toBe(true);
    expect(report.durationMs).toBeGreaterThan(0);

    publish(server.files.crl, root.crl({ number: 3, revoked: [client3, client4] }).pem);
    expect(await server.mtls.reload()).toMatchObject({ changed: true, added: 1, removed: 1, evicted: 1 });
    expect(await server.as(client2).get()).toMatchObject({ status: 200 });

    publish(server.files.crl, root.crl({ number: 4 }).pem);
    expect(await server.mtls.reload()).toMatchObject({ changed: true, added: 0, removed: 2, evicted: 0 });
    expect(server.recorder.events('reloaded')).toHaveLength(3);
    expect(server.recorder.linesOf('reloaded').map(({ message }) => message)).toEqual([
      expect.stringMatching(
        /^reloaded: 2 newly revoked, 0 no longer listed, 3 connections closed, [\d.]+ ms$/,
      ),
      expect.stringMatching(/^reloaded: 1 newly revoked, 1 no longer listed, 1 connection closed/),
      expect.stringMatching(/^reloaded: 0 newly revoked, 2 no longer listed, 0 connections closed/),
    ]);
    expect(await first.get()).toMatchObject({ status: 200 });
  });

  test('states that nothing changed if a file was only touched or rewritten with the same content', async () => {
    const root = ca('ca');
    const server = await startServer({ root, options: { watch: { pollMs: 50 } } });
    const client = server.as(root.client('client1'), { keepAlive: true });
    const { localPort } = await client.get();
    utimesSync(server.files.crl, new Date(), new Date());
    publish(server.files.ca, readFileSync(server.files.ca));
    await pause(400);
    expect(await server.mtls.reload()).toMatchObject({ changed: false, added: 0, removed: 0, evicted: 0 });
    expect(server.recorder.events('reloaded')).toEqual([]);
    expect(server.recorder.linesOf('reloaded')).toEqual([]);
    expect(await client.get()).toMatchObject({ status: 200, localPort });
  });

  test('is shared by overlapping calls of reload(), and the last of them sees the newest state', async () => {
    const root = ca('ca');
    const client2 = root.client('client2');
    let loads = 0;
    let crl = root.crl().der;
    const server = await startServer({
      root,
      options: {
        watch: false,
        crl: {
          load: async () => {
            loads++;
            const read = crl;
            await pause(50);
            return [read];
          },
        },
      },
    });
    loads = 0;
    const running = server.mtls.reload();
    await until(() => loads === 1, 'the first reload reads');
    crl = root.crl({ number: 2, revoked: [client2] }).der;
    const waiting = Array.from({ length: 20 }, () => server.mtls.reload());
    expect(await running).toMatchObject({ changed: false });
    const reports = await Promise.all(waiting);
    expect(new Set(reports).size).toBe(1);
    expect(reports[0]).toMatchObject({ changed: true, added: 1 });
    expect(loads).toBe(2);
  });
});

describe('what else is reloaded', () => {
  test('key and certificate, rotated together: new handshakes see them, old connections go on', async () => {
    const root = ca('ca');
    const server = await startServer({ root });
    const client = server.as(root.client('client1'), { keepAlive: true });
    const { localPort, serverFingerprint } = await client.get();
    const renewed = root.server();
    publish(server.files.key, renewed.keyPem);
    publish(server.files.cert, renewed.pem);
    await until(() => server.recorder.events('reloaded').length > 0, 'the reload is reported');
    expect(server.recorder.events('reloaded')).toMatchObject([
      { changed: true, added: 0, removed: 0, evicted: 0 },
    ]);
    expect((await server.as(root.client('client2')).get()).serverFingerprint).toBe(
      renewed.x509.fingerprint256,
    );
    expect(serverFingerprint).not.toBe(renewed.x509.fingerprint256);
    expect(await client.get()).toMatchObject({ status: 200, localPort });
  });

  test.each(['key', 'cert'] as const)(
    'a new %s waits for its other half: the old pair serves, and the CRLs do not wait',
    async (first) => {
      const root = ca('ca');
      const server = await startServer({ root });
      const client2 = root.client('client2');
      const client1 = server.as(root.client('client1'), { keepAlive: true });
      const before = await client1.get();
      const renewed = root.server();
      const halves = { key: renewed.keyPem, cert: renewed.pem };
      publish(server.files[first], halves[first]);
      // The CRL comes alone, and is in force; the pair is not.
      publish(server.files.crl, root.crl({ number: 2, revoked: [client2] }).pem);
      await until(async () => (await server.as(client2).get()).status === 'refused', 'client2 is refused');
      expect(await server.as(root.client('client3')).get()).toMatchObject({
        status: 200,
        serverFingerprint: before.serverFingerprint,
      });
      const second = first === 'key' ? 'cert' : 'key';
      publish(server.files[second], halves[second]);
      await until(() => server.recorder.events('reloaded').length > 1, 'the reload is reported');
      const renewedPrint = renewed.x509.fingerprint256;
      expect((await server.as(root.client('client3')).get()).serverFingerprint).toBe(renewedPrint);
      expect(await client1.get()).toMatchObject({ status: 200, localPort: before.localPort });
      // It came soon: there was no warning.
      expect(server.recorder.events('reload-failed')).toEqual([]);
    },
  );

  test('manually: a pair that does not match is reported at once, and the rest is reloaded', async () => {
    const root = ca('ca');
    const server = await startServer({ root, options: { watch: false } });
    const client2 = root.client('client2');
    publish(server.files.key, root.server().keyPem);
    publish(server.files.crl, root.crl({ number: 2, revoked: [client2] }).pem);
    await expect(server.mtls.reload()).rejects.toMatchObject({ code: 'ERR_MTLS_KEY_MISMATCH' });
    expect(await server.as(client2).get()).toMatchObject({ status: 'refused' });
    expect(server.recorder.events('reload-failed')).toHaveLength(1);
    expect(server.recorder.events('reloaded')).toMatchObject([{ added: 1 }]);
  });

  test('valid sources, while another source has a fault', async () => {
    const root = ca('ca');
    const server = await startServer({ root, options: { watch: false } });
    const client1 = root.client('client1');
    const client2 = root.client('client2');
    const open = server.as(client2, { keepAlive: true });
    expect(await open.get()).toMatchObject({ status: 200 });
    const renewed = root.server();
    publish(server.files.key, renewed.keyPem);
    publish(server.files.cert, renewed.pem);
    publish(server.files.ca, 'garbage');
    publish(server.files.crl, root.crl({ number: 2, revoked: [client2] }).pem);
    await expect(server.mtls.reload()).rejects.toMatchObject({ code: 'ERR_MTLS_PEM_INVALID' });
    expect(server.recorder.events('reloaded')).toMatchObject([{ changed: true, added: 1, evicted: 1 }]);
    expect(await server.as(client1).get()).toMatchObject({
      status: 200,
      serverFingerprint: new X509Certificate(renewed.pem).fingerprint256,
    });
    expect(await server.as(client2).get()).toMatchObject({ status: 'refused' });
    expect(server.mtls.fault).toMatchObject({ code: 'ERR_MTLS_PEM_INVALID' });
    expect(server.mtls).toMatchObject({ healthy: false, ready: true });
    publish(server.files.ca, root.pem);
    expect(await server.mtls.reload()).toMatchObject({ changed: false });
    expect(server.mtls).toMatchObject({ faults: [], fault: undefined, healthy: true });
    expect(server.recorder.events('recovered')).toMatchObject([{ source: server.files.ca }]);
    expect(server.recorder.linesOf('recovered')).toHaveLength(1);
  });

  test('and what changed is reported, in words and as data', async () => {
    const root = ca('ca');
    const partner = ca('partner');
    const server = await startServer({ root, options: { watch: false } });
    const renewed = root.server({ notAfter: inMs(1000 * hour) });
    publish(server.files.key, renewed.keyPem);
    publish(server.files.cert, renewed.pem);
    publish(server.files.ca, root.pem + partner.pem);
    const crl = root.crl({ number: 2, revoked: [root.client('client2')] }).pem;
    publish(server.files.crl, crl);
    const report = await server.mtls.reload();
    const date = renewed.notAfter.toISOString().slice(0, 10);
    const [first, second] = server.recorder.linesOf('reloaded');
    expect(second).toBeUndefined();
    expect(first?.message).toContain(
      `reloaded: server certificate replaced, valid until ${date}; CA "CN=partner" added, without a CRL; 1 newly revoked`,
    );
    expect(first?.fields).toMatchObject({ addedCas: [{ subject: 'CN=partner', crl: 'missing' }] });
    expect(report).toMatchObject({
      added: 1,
      certificates: [{ servername: undefined, notAfter: renewed.notAfter }],
      addedCas: [{ servername: undefined, crl: 'missing' }],
      removedCas: [],
    });
    expect(server.recorder.linesOf('uncovered-cas')).toMatchObject([
      { fields: { uncovered: ['CN=partner'] } },
    ]);
    publish(server.files.crl, crl + partner.crl().pem);
    expect(await server.mtls.reload()).toMatchObject({
      added: 0,
      addedCas: [],
      coveredCas: [{ servername: undefined, crl: 'loaded' }],
    });
    expect(server.recorder.linesOf('reloaded')[1]).toMatchObject({
      message: expect.stringContaining(
        'reloaded: CA "CN=partner" now has a CRL, so its clients can be checked; 0 newly revoked',
      ) as unknown,
      fields: { coveredCas: [{ subject: 'CN=partner' }] },
    });
    publish(server.files.ca, root.pem);
    publish(server.files.crl, crl);
    expect((await server.mtls.reload()).removedCas.map(({ subject }) => String(subject))).toEqual([
      'CN=partner',
    ]);
    expect(server.recorder.linesOf('reloaded')[2]?.message).toContain('CA "CN=partner" removed; 0 newly');
  });

  describe('SIGHUP, with signals: true,', () => {
    test('is not supported in a worker thread, which is reported', async () => {
      const { options } = material();
      const program = new Program('test/support/server-program.ts', {
        args: [JSON.stringify({ options: { ...options, signals: true }, threads: 1 })],
      });
      await program.wrote(/MTLS_NO_SIGNALS.*handle SIGHUP in the main thread/);
    });

    test('reloads', async () => {
      const files = material();
      const client2 = files.root.client('client2');
      const server = await ProcessServer.start(files, { options: { watch: false, signals: true } });
      const open = server.as(client2, { keepAlive: true });
      expect(await open.get()).toMatchObject({ status: 200 });
      publish(files.files.crl, files.root.crl({ number: 2, revoked: [client2] }).pem);
      server.signal('SIGHUP');
      await server.tells('reloaded');
      await until(() => open.connection.isClosed, 'the connection is closed');
      expect(await server.as(files.root.client('client1')).get()).toMatchObject({ status: 200 });
    });

    test('is logged, with its result', async () => {
      const root = ca('ca');
      const server = await startServer({ root, options: { watch: false, signals: true } });
      const events = (): unknown[] => server.recorder.lines.map(({ fields }) => fields['event']).slice(1);
      process.emit('SIGHUP', 'SIGHUP');
      await until(() => events().includes('unchanged'), 'it is told that nothing changed');
      publish(server.files.crl, root.crl({ number: 2 }).pem);
      process.emit('SIGHUP', 'SIGHUP');
      await until(() => events().includes('reloaded'), 'the reload is reported');
      writeFileSync(server.files.crl, '');
      process.emit('SIGHUP', 'SIGHUP');
      await until(() => events().includes('reload-failed'), 'the fault is reported');
      expect(events()).toEqual(['signal', 'unchanged', 'signal', 'reloaded', 'signal', 'reload-failed']);
    });

    test('has no listener once the handle is closed, or without the option', async () => {
      const before = process.listenerCount('SIGHUP');
      await startServer({});
      expect(process.listenerCount('SIGHUP')).toBe(before);
      const server = await startServer({ options: { signals: true } });
      expect(process.listenerCount('SIGHUP')).toBe(before + 1);
      await server.mtls.close();
      expect(process.listenerCount('SIGHUP')).toBe(before);
    });
  });

  test.each([{ crls: 'with CRLs' }, { crls: 'without CRLs' }])(
    'a CA that is removed: its clients are out at once, $crls',
    async ({ crls }) => {
      const [root, second] = [ca('ca'), ca('second')];
      const crl = crls === 'with CRLs' ? root.crl().pem + second.crl().pem : null;
      const server = await startServer({ root, cas: [root, second], crl });
      const [stays, goes] = [root, second].map((issuer) =>
        server.as(issuer.client('client1'), { keepAlive: true }),
      );
      const { localPort } = await stays!.get();
      expect(await goes!.get()).toMatchObject({ status: 200 });
      if (crl !== null) publish(server.files.crl, root.crl({ number: 2 }).pem);
      publish(server.files.ca, root.pem);
      const published = ownTime();
      await until(() => goes!.connection.isClosed, 'the connection of the other CA is closed');
      expect(ownTime() - published).toBeLessThan(aSecond);
      expect(server.recorder.events('evicted')).toMatchObject([{ reason: 'untrusted' }]);
      expect(await server.as(second.client('client1')).get()).toMatchObject({ status: 'refused' });
      expect(await stays!.get()).toMatchObject({ status: 200, localPort });
    },
  );

  test.each([{ crls: 'with CRLs' }, { crls: 'without CRLs' }])(
    'a removed CA: its clients are refused on earlier TCP connections too, $crls',
    async ({ crls }) => {
      const [root, second] = [ca('ca'), ca('second')];
      const crl = crls === 'with CRLs' ? root.crl().pem + second.crl().pem : null;
      const server = await startServer({ root, cas: [root, second], crl, options: { watch: false } });
      const dialled = await server.as(second.client('client1')).dial();
      if (crl !== null) publish(server.files.crl, root.crl({ number: 2 }).pem);
      publish(server.files.ca, root.pem);
      await server.mtls.reload();
      expect(await dialled.call()).toBe('');
      expect(server.recorder.events('refused')).toHaveLength(1);
      expect(server.served).toEqual([]);
    },
  );

  test('an added CA: its clients are admitted', async () => {
    const [root, second] = [ca('ca'), ca('second')];
    const server = await startServer({ root });
    const client = server.as(second.client('client1'));
    expect(await client.get()).toMatchObject({ status: 'refused' });
    publish(server.files.crl, root.crl({ number: 2 }).pem + second.crl().pem);
    publish(server.files.ca, root.pem + second.pem);
    await until(async () => (await client.get()).status === 200, 'the client is admitted');
  });

  test('CAs of a directory: its files, and what `openssl rehash` makes of them, come and go', async () => {
    const [root, second] = [ca('ca'), ca('second')];
    const folder = join(temporaryDirectory(), 'cas');
    mkdirSync(folder);
    writeFileSync(join(folder, 'root.crt'), root.pem);
    const server = await startServer({ root, crl: null, options: { ca: folder } });
    const client = server.as(second.client('client1'), { keepAlive: true });
    expect(await client.get()).toMatchObject({ status: 'refused' });
    publish(join(folder, '0a1b2c3d.0'), second.pem);
    await until(async () => (await client.get()).status === 200, 'the client is admitted');
    rmSync(join(folder, '0a1b2c3d.0'));
    await until(() => client.connection.isClosed, 'the client is disconnected');
    expect(server.recorder.events('evicted')).toMatchObject([{ reason: 'untrusted' }]);
    rmSync(join(folder, 'root.crt'));
    await expect(server.mtls.reload()).rejects.toMatchObject({ code: 'ERR_MTLS_PEM_INVALID' });
    expect(await server.as(root.client('client1')).get()).toMatchObject({ status: 200 });
  });

  test('CAs of a loader that notifies; one that fails keeps those in force', async () => {
    const [root, second] = [ca('ca'), ca('second')];
    let load = (): Promise<Buffer[]> => Promise.resolve([root.der]);
    let notify: (() => void) | undefined;
    const loader: SourceLoader = {
      load: () => load(),
      watch: (changed) => {
        notify = changed;
        return { [Symbol.dispose]: () => (notify = undefined) };
      },
    };
    const server = await startServer({ root, crl: null, options: { ca: loader } });
    const client = server.as(second.client('client1'));
    expect(await client.get()).toMatchObject({ status: 'refused' });
    load = () => Promise.resolve([root.der, Buffer.from(second.pem)]);
    notify?.();
    await until(async () => (await client.get()).status === 200, 'the client is admitted');
    load = () => Promise.reject(new Error('the store is down'));
    await expect(server.mtls.reload()).rejects.toMatchObject({
      code: 'ERR_MTLS_SOURCE_UNREADABLE',
      message: expect.stringContaining('options.ca.load(): it rejected: the store is down'),
    });
    expect(await client.get()).toMatchObject({ status: 200 });
  });

  test('a CA file without a CA leaves the CAs in force, and never the public ones', async () => {
    const root = ca('ca');
    const server = await startServer({ root });
    for (const content of ['', root.client().pem, root.intermediate().pem, 'garbage']) {
      publish(server.files.ca, content);
      await expect(server.mtls.reload()).rejects.toMatchObject({ name: 'MtlsError' });
    }
    expect(await server.as(root.client('client1')).get()).toMatchObject({ status: 200 });
    expect(await server.as(ca('other').client('client1')).get()).toMatchObject({ status: 'refused' });
  });

  test.each<
    [string, (root: CertificateAuthority, client2: Certificate) => Record<'before' | 'after', string>]
  >([
    [
      'a delta, by a full CRL of another scope',
      (root, client2) => {
        const users = root.crl({ number: 5, idp: { onlyUser: true } }).pem;
        const delta = root.crl({ number: 6, delta: 5, idp: { onlyUser: true }, revoked: [client2] }).pem;
        return { before: users + delta, after: users + root.crl({ number: 100, idp: { onlyCa: true } }).pem };
      },
    ],
    [
      'a CRL, by an older one of the same CA with a renewed certificate',
      (root, client2) => ({
        before: root.crl({ number: 5, revoked: [client2] }).pem,
        after: root.crl({ number: 4 }).pem,
      }),
    ],
  ])('%s takes no revocation back', async (what, make) => {
    const root = ca('ca');
    const client2 = root.client('client2');
    const { before, after } = make(root, client2);
    const server = await startServer({ root, crl: before, options: { watch: false } });
    expect(await server.as(client2).get()).toMatchObject({ status: 'refused' });
    publish(server.files.crl, after);
    if (what.includes('renewed')) publish(server.files.ca, root.reissue().pem);
    await expect(server.mtls.reload()).rejects.toMatchObject({ code: 'ERR_MTLS_CRL_ROLLBACK' });
    expect(await server.as(client2).get()).toMatchObject({ status: 'refused' });
  });

  test('the CRL of a CA’s old key is replaced by that of its new key', async () => {
    const root = ca({ commonName: 'ca', notBefore: inMs(-hour) });
    const bridge = root.selfIssued({ notBefore: inMs(-hour / 2) });
    const [client1, client2] = [root.client('client1'), root.client('client2')];
    const server = await startServer({
      root,
      cas: [root, bridge],
      crl: root.crl({ number: 5 }).pem,
      options: { watch: false },
    });
    const open = server.as(client2, { keepAlive: true });
    expect(await open.get()).toMatchObject({ status: 200 });
    publish(server.files.crl, bridge.crl({ number: 4, revoked: [client2] }).pem);
    await expect(server.mtls.reload()).rejects.toMatchObject({ code: 'ERR_MTLS_CRL_ROLLBACK' });
    publish(server.files.crl, bridge.crl({ number: 6, revoked: [client2] }).pem);
    expect(await server.mtls.reload()).toMatchObject({ changed: true, evicted: 1 });
    expect(await server.as(client1).get()).toMatchObject({ status: 200 });
    expect(await server.as(client2).get()).toMatchObject({ status: 'refused' });
    expect(server.recorder.events('refused').at(-1)).toMatchObject({ reason: 'revoked' });
    // And not the other way round, however new the list of the old key is.
    publish(server.files.crl, root.crl({ number: 7 }).pem);
    await expect(server.mtls.reload()).rejects.toMatchObject({ code: 'ERR_MTLS_CRL_ROLLBACK' });
    expect(await server.as(client2).get()).toMatchObject({ status: 'refused' });
  });

  test('the CRL of a CA’s old key with its deltas is replaced by that of its new key', async () => {
    const root = ca({ commonName: 'ca', notBefore: inMs(-hour) });
    const bridge = root.selfIssued({ notBefore: inMs(-hour / 2) });
    const client1 = root.client('client1');
    const [full, delta] = [root.crl({ number: 5 }).pem, root.crl({ number: 6, delta: 5 }).pem];
    const server = await startServer({
      root,
      cas: [root, bridge],
      crl: full + delta,
      options: { watch: false },
    });
    for (const lists of [bridge.crl({ number: 7 }).pem + delta, bridge.crl({ number: 8 }).pem]) {
      publish(server.files.crl, lists);
      expect(await server.mtls.reload()).toMatchObject({ changed: true, evicted: 0 });
      expect(await server.as(client1).get()).toMatchObject({ status: 200 });
    }
  });

  test('a CRL that vanishes from a directory takes no revocation back', async () => {
    const { root, folder } = crlDirectory();
    const client2 = root.client('client2');
    publish(join(folder, 'second.pem'), root.crl({ number: 2, revoked: [client2] }).pem);
    const server = await startServer({ root, options: { crl: folder, watch: false } });
    rmSync(join(folder, 'second.pem'));
    await expect(server.mtls.reload()).rejects.toMatchObject({ code: 'ERR_MTLS_CRL_ROLLBACK' });
    rmSync(join(folder, 'first.pem'));
    await expect(server.mtls.reload()).rejects.toMatchObject({ code: 'ERR_MTLS_CRL_INVALID' });
    expect(await server.as(client2).get()).toMatchObject({ status: 'refused' });
  });

  test('if a loader fails, its CRLs stay in force, and its fault is reported', async () => {
    const root = ca('ca');
    const client2 = root.client('client2');
    let load: SourceLoader['load'] = () => Promise.resolve([root.crl({ revoked: [client2] }).der]);
    const crl: MtlsOptions['crl'] = { load: (signal) => load(signal) };
    const server = await startServer({ root, options: { watch: false, crl } });
    for (const failing of [
      () => Promise.reject(new Error('the store is down')),
      () => Promise.resolve([]),
      () => Promise.resolve([Buffer.alloc(0)]),
    ]) {
      load = failing;
      await expect(server.mtls.reload()).rejects.toMatchObject({ name: 'MtlsError' });
    }
    expect(server.recorder.events('reload-failed')[0]?.error.message).toContain('the store is down');
    expect(await server.as(client2).get()).toMatchObject({ status: 'refused' });
    expect(await server.as(root.client('client1')).get()).toMatchObject({ status: 200 });
  });
});

interface Kinds {
  readonly keepAlive: Client;
  readonly upgraded: Awaited<ReturnType<Client['upgrade']>>;
  readonly answering: Client;
  readonly answer: ReturnType<Client['get']>;
}

function linked(target: string): { root: CertificateAuthority; folder: string; file: string } {
  const root = ca('ca');
  const folder = temporaryDirectory();
  const file = join(folder, 'ca-crl.pem');
  writeFileSync(join(target.startsWith('/') ? dirname(target) : folder, basename(target)), root.crl().pem);
  symlinkSync(target, file);
  return { root, folder, file };
}

function crlDirectory(): { root: CertificateAuthority; folder: string } {
  const root = ca('ca');
  const folder = join(temporaryDirectory(), 'crls');
  mkdirSync(folder);
  writeFileSync(join(folder, 'first.pem'), root.crl().pem);
  return { root, folder };
}

function relink(link: string, target: string): void {
  symlinkSync(target, `${link}.new`);
  renameSync(`${link}.new`, link);
}

function echo(socket: Socket): void {
  socket.on('error', () => {});
  socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
  socket.pipe(socket);
}
