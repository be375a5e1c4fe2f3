import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import type { Socket } from 'node:net';
import { describe, expect, jest, test } from '@jest/globals';
import { createServer, identify, type Mtls, MtlsError, protect } from 'express-mtls';
import type { SourceLoader } from 'express-mtls';
import { ca } from '../support/chain.js';
import { Client, tlsVersions } from '../support/client.js';
import {
  Clock,
  helloApp,
  listen,
  material,
  pause,
  publish,
  Recorder,
  silent,
  startServer,
  until,
} from '../support/server.js';
import { aSecond } from '../support/elapsed.js';

const hour = 3_600_000;
/** Certificates and CRLs know whole seconds: the second that begins at least `ms` from now. */
const secondIn = (ms: number): Date => new Date(Math.ceil((Date.now() + ms) / 1000) * 1000);

describe.each(tlsVersions)('an open connection, over %s,', (version) => {
  test('is closed when its certificate expires; those of others go on', async () => {
    const root = ca('ca');
    const server = await startServer({ root });
    const notAfter = secondIn(1500);
    const brief = server.as(root.client({ commonName: 'brief', notAfter }), { version, keepAlive: true });
    const lasting = server.as(root.client('lasting'), { version, keepAlive: true });
    const { localPort } = await lasting.get();
    expect(await brief.get()).toMatchObject({ status: 200 });
    expect(server.recorder.events('evicted')).toEqual([]);
    await until(() => brief.connection.isClosed, 'the connection is closed');
    expect(Date.now()).toBeGreaterThanOrEqual(notAfter.getTime());
    expect(Date.now() - notAfter.getTime()).toBeLessThan(aSecond);
    expect(server.recorder.events('evicted')).toMatchObject([
      { reason: 'expired', code: 'ERR_MTLS_CERTIFICATE_EXPIRED', identity: { commonName: 'brief' } },
    ]);
    expect(server.recorder.linesOf('evicted')).toMatchObject([
      { message: expect.stringMatching(/^evicted: expired, CN=brief/) },
    ]);
    expect(await lasting.get()).toMatchObject({ status: 200, localPort });
  });

  test('is closed when its CRL goes stale', async () => {
    const root = ca('ca');
    const nextUpdate = secondIn(1500);
    const server = await startServer({ root, crl: root.crl({ nextUpdate }).pem });
    const client = server.as(root.client('client1'), { version, keepAlive: true });
    expect(await client.get()).toMatchObject({ status: 200 });
    expect(server.mtls.revocation.healthy).toBe(true);
    await until(() => client.connection.isClosed, 'the connection is closed');
    expect(Date.now()).toBeGreaterThanOrEqual(nextUpdate.getTime());
    expect(Date.now() - nextUpdate.getTime()).toBeLessThan(aSecond);
    expect(server.mtls.revocation.healthy).toBe(false);
    expect(server.recorder.events('evicted')).toMatchObject([{ reason: 'revocation-unknown' }]);
    expect(await server.as(root.client('client1'), { version }).get()).toMatchObject({ status: 'refused' });
    publish(server.files.crl, root.crl({ number: 2 }).pem);
    await until(() => server.mtls.revocation.healthy, 'a newer CRL is in force');
    expect(await server.as(root.client('client1'), { version }).get()).toMatchObject({ status: 200 });
  });

  test('goes on where a newer CRL comes in time', async () => {
    const root = ca('ca');
    const nextUpdate = secondIn(2000);
    const server = await startServer({ root, crl: root.crl({ nextUpdate }).pem });
    const client = server.as(root.client('client1'), { version, keepAlive: true });
    const { localPort } = await client.get();
    publish(server.files.crl, root.crl({ number: 2 }).pem);
    await until(() => Date.now() > nextUpdate.getTime() + 300, 'the first CRL is stale');
    expect(await client.get()).toMatchObject({ status: 200, localPort });
    expect(server.recorder.events('evicted')).toEqual([]);
  });

  test('is judged at its next request, by the clock that was given', async () => {
    const root = ca('ca');
    const server = await startServer({ root });
    const client = server.as(root.client({ notAfter: new Date(Date.now() + hour) }), {
      version,
      keepAlive: true,
    });
    expect(await client.get()).toMatchObject({ status: 200 });
    server.clock.advance(2 * hour);
    const refused = await client.get();
    expect(refused.status).toBe(401);
    expect(JSON.parse(refused.body)).toMatchObject({ code: 'ERR_MTLS_CERTIFICATE_EXPIRED' });
    await until(() => client.connection.isClosed, 'the connection is closed');
    expect(server.recorder.events('evicted')).toMatchObject([{ reason: 'expired' }]);
    expect(server.served).toHaveLength(1);
  });
});

test('identify() knows an upgraded connection no longer once its certificate has expired, by the clock that was given', async () => {
  const root = ca('ca');
  const server = await startServer({ root });
  let upgraded: Socket | undefined;
  server.server.on('upgrade', (_req: IncomingMessage, socket: Socket) => {
    upgraded = socket;
    socket.on('error', () => {});
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
  });
  await server.as(root.client({ commonName: 'client1', notAfter: secondIn(hour) })).upgrade();
  expect(identify(upgraded!)?.commonName).toBe('client1');
  server.clock.advance(2 * hour);
  expect(identify(upgraded!)).toBeUndefined();
});

test('an anonymous connection outlives CRLs, where clients are optional', async () => {
  const root = ca('ca');
  const nextUpdate = secondIn(1000);
  const server = await startServer({
    root,
    crl: root.crl({ nextUpdate }).pem,
    options: { clients: 'optional' },
  });
  const client = server.as(undefined, { keepAlive: true });
  const { localPort } = await client.get();
  await until(() => Date.now() > nextUpdate.getTime() + 200, 'the CRL is stale');
  expect(await client.get()).toMatchObject({ status: 200, localPort });
});

describe('a CRL past its nextUpdate', () => {
  test.each([
    { policy: { graceMs: 2 * hour }, past: hour, status: 200 },
    { policy: { graceMs: 2 * hour }, past: 3 * hour, status: 'refused' },
    { policy: { stale: 'allow' }, past: 24 * hour, status: 200 },
    { policy: { stale: 'deny' }, past: hour, status: 'refused' },
  ] as const)(
    'under $policy, $past ms late: $status, and the revoked refused',
    async ({ policy, past, status }) => {
      const root = ca('ca');
      const client2 = root.client({ commonName: 'client2', notAfter: new Date(Date.now() + 48 * hour) });
      const client1 = root.client({ commonName: 'client1', notAfter: new Date(Date.now() + 48 * hour) });
      const crl = root.crl({ nextUpdate: new Date(Date.now() + hour), revoked: [client2] }).pem;
      const server = await startServer({ root, crl, options: { revocation: policy } });
      server.clock.advance(hour + past);
      expect(await server.as(client1).get()).toMatchObject({ status });
      expect(await server.as(client2).get()).toMatchObject({ status: 'refused' });
      expect(server.recorder.events('refused').at(-1)).toMatchObject({ reason: 'revoked' });
    },
  );
});

describe('the state that the handle shows', () => {
  test('crl-expiring, once for each CRL, when a fifth of its life is left', async () => {
    const root = ca('ca');
    const thisUpdate = secondIn(-5000);
    const nextUpdate = new Date(thisUpdate.getTime() + 8000);
    const server = await startServer({ root, crl: root.crl({ thisUpdate, nextUpdate }).pem });
    expect(server.recorder.linesOf('crl-expiring')).toEqual([]);
    await until(() => server.recorder.events('crl-expiring').length > 0, 'the warning comes');
    expect(Date.now()).toBeGreaterThanOrEqual(nextUpdate.getTime() - 1600);
    expect(Date.now()).toBeLessThan(nextUpdate.getTime() - 400);
    const [warning] = server.recorder.events('crl-expiring');
    expect(warning).toMatchObject({ nextUpdate, source: server.files.crl });
    expect(String(warning?.issuer)).toBe('CN=ca');
    expect(server.recorder.linesOf('crl-expiring')).toMatchObject([
      { level: 'warn', message: expect.stringContaining(`has the nextUpdate ${nextUpdate.toISOString()}`) },
    ]);
    await pause(300);
    await server.mtls.reload();
    expect(server.recorder.events('crl-expiring')).toHaveLength(1);
  });

  test('crl-expiring of a CRL that is about to expire at the start, to listeners that are added then', async () => {
    const root = ca('ca');
    const [thisUpdate, nextUpdate] = [secondIn(-100_000), secondIn(10_000)];
    const server = await startServer({ root, crl: root.crl({ thisUpdate, nextUpdate }).pem });
    await until(() => server.recorder.events('crl-expiring').length > 0, 'the warning comes');
    expect(server.recorder.linesOf('crl-expiring')).toHaveLength(1);
  });

  test('nothing of a CRL that is replaced in time', async () => {
    const root = ca('ca');
    const thisUpdate = secondIn(-5000);
    const nextUpdate = new Date(thisUpdate.getTime() + 7000);
    const server = await startServer({
      root,
      crl: root.crl({ thisUpdate, nextUpdate }).pem,
      options: { watch: false },
    });
    publish(server.files.crl, root.crl({ number: 2, thisUpdate: new Date() }).pem);
    await server.mtls.reload();
    await until(() => Date.now() > nextUpdate.getTime() - 1000, 'the warning would have come');
    expect(server.recorder.events('crl-expiring')).toEqual([]);
  });

  test('mtls.revocation: each CRL in force, and which CAs have none', async () => {
    const [root, second] = [ca('ca'), ca('second')];
    const crl = root.crl({ number: 12, revoked: [root.client(), root.client()] });
    const server = await startServer({ root, cas: [root, second], crl: crl.pem });
    expect(server.mtls.revocation).toMatchObject({ healthy: true, uncovered: ['CN=second'] });
    expect(server.mtls.revocation.crls).toEqual([
      {
        issuer: expect.anything(),
        number: '12',
        thisUpdate: crl.thisUpdate,
        nextUpdate: crl.nextUpdate,
        entries: 2,
        source: server.files.crl,
        loadedAt: expect.any(Date),
        confirmedAt: undefined,
      },
    ]);
    expect(String(server.mtls.revocation.crls[0]?.issuer)).toBe('CN=ca');
    expect(server.recorder.linesOf('listening')).toMatchObject([
      {
        level: 'info',
        fields: { clients: 'required', cas: ['CN=ca', 'CN=second'], crls: [{ number: '12', entries: 2 }] },
      },
    ]);
    expect(server.recorder.linesOf('uncovered-cas')).toMatchObject([{ level: 'warn' }]);
    server.clock.set((crl.nextUpdate?.getTime() ?? 0) - 1000);
    expect(server.mtls.revocation.healthy).toBe(true);
    server.clock.set((crl.nextUpdate?.getTime() ?? 0) + 1000);
    expect(server.mtls.revocation.healthy).toBe(false);
  });

  test('that no CRL is configured, in the log when it listens', async () => {
    const server = await startServer({ crl: null });
    expect(server.recorder.linesOf('no-crl')).toMatchObject([{ level: 'warn' }]);
    expect(server.mtls.revocation).toEqual({ crls: [], uncovered: expect.anything(), healthy: true });
  });

  test('mtls.connections: who is connected, from where and since when, until they go', async () => {
    const root = ca('ca');
    const server = await startServer({ root, options: { clients: 'optional' } });
    const before = Date.now();
    const [one, nobody] = [
      server.as(root.client('client1'), { keepAlive: true }),
      server.as(undefined, { keepAlive: true }),
    ];
    await one.get();
    await nobody.get();
    const [connection, ...others] = [...server.mtls.connections];
    expect(others).toEqual([]);
    expect(connection).toMatchObject({ identity: { commonName: 'client1' }, remoteAddress: '127.0.0.1' });
    expect(Number(connection?.since)).toBeGreaterThanOrEqual(before);
    expect(Number(connection?.since)).toBeLessThanOrEqual(Date.now());
    await server.as(root.client('client2')).get();
    await until(
      () => [...server.mtls.connections].length === 1,
      'the closed connection is gone from the list',
    );
    server.server.closeAllConnections();
    await until(() => [...server.mtls.connections].length === 0, 'the list is empty');
  });

  test('off() and once() do what they say', async () => {
    const root = ca('ca');
    const server = await startServer({ root });
    const seen: string[] = [];
    const always = (): void => {
      seen.push('always');
    };
    server.mtls.on('authenticated', always).once('authenticated', () => {
      seen.push('once');
    });
    await server.as(root.client()).get();
    await server.as(root.client()).get();
    server.mtls.off('authenticated', always);
    await server.as(root.client()).get();
    expect(seen).toEqual(['always', 'once', 'always']);
  });
});

describe('mtls.close()', () => {
  test('stops watching, and the gate goes on judging by what is in force', async () => {
    const root = ca('ca');
    const [client1, client2] = [root.client('client1'), root.client('client2')];
    const server = await startServer({
      root,
      crl: root.crl({ revoked: [client2] }).pem,
      options: { watch: { pollMs: 50 } },
    });
    await server.mtls.close();
    await server.mtls.close();
    publish(server.files.crl, root.crl({ number: 2, revoked: [client1, client2] }).pem);
    await pause(400);
    expect(server.recorder.events('reloaded')).toEqual([]);
    expect(await server.as(client1).get()).toMatchObject({ status: 200 });
    expect(await server.as(client2).get()).toMatchObject({ status: 'refused' });
  });
});

describe('protect()', () => {
  const certificateOf = ({ files }: ReturnType<typeof material>): https.ServerOptions => ({
    key: readFileSync(files.key),
    cert: readFileSync(files.cert),
  });

  test('refuses a server that listens already', async () => {
    const given = material();
    const server = https.createServer({ ...certificateOf(given), requestCert: true });
    await listen(server);
    const error = await failureOf(protect(server, given.options));
    expect(error.code).toBe('ERR_MTLS_STATE_INVALID');
    expect(error.message).toMatch(/already listens.*before listen\(\)/);
  });

  test.each([
    { made: 'without requestCert', options: {} },
    { made: 'with requestCert: false', options: { requestCert: false } },
    { made: "with requestCert: 'true', which node:tls does not take", options: { requestCert: 'true' } },
    { made: 'with requestCert: 1, which node:tls does not take', options: { requestCert: 1 } },
  ])('refuses a server made $made, https and http2 alike', async ({ options }) => {
    const given = material();
    const serverOptions = { ...certificateOf(given), ...options } as https.ServerOptions;
    for (const server of [https.createServer(serverOptions), http2.createSecureServer(serverOptions)]) {
      const error = await failureOf(protect(server, given.options));
      expect(error.code).toBe('ERR_MTLS_OPTION_INVALID');
      expect(error.message).toMatch(/does not request client certificates.*requestCert: true/);
    }
  });

  test("refuses rejectUnauthorized: true together with clients: 'optional'", async () => {
    const given = material();
    const server = https.createServer({
      ...certificateOf(given),
      requestCert: true,
      rejectUnauthorized: true,
    });
    const error = await failureOf(protect(server, { ...given.options, clients: 'optional' }));
    expect(error.message).toMatch(/create it with rejectUnauthorized: false/);
  });

  test.each([{ rejectUnauthorized: true }, { rejectUnauthorized: false }])(
    'admits no client before it has resolved, and the clients of its CAs afterwards ($rejectUnauthorized)',
    async ({ rejectUnauthorized }) => {
      const given = material();
      const { root, files } = given;
      const served: string[] = [];
      const server = https.createServer(
        { ...certificateOf(given), ca: root.pem, requestCert: true, rejectUnauthorized },
        helloApp(served),
      );
      const crls = [root.crl().der];
      let release: (() => void) | undefined;
      const released = new Promise<void>((resolve) => (release = resolve));
      const crl: SourceLoader = { load: () => released.then(() => crls) };
      const recorder = new Recorder();
      const protecting = protect(server, {
        key: files.key,
        cert: files.cert,
        ca: files.ca,
        crl,
        logger: recorder.logger,
      });
      const port = await listen(server);
      const client = new Client({ port, ca: root.pem }, root.client('client1'));
      expect(await client.get()).toMatchObject({ status: 'refused' });
      expect(served).toEqual([]);
      release?.();
      const mtls = await protecting;
      expect(await client.get()).toMatchObject({ status: 200 });
      await mtls.close();
    },
  );

  test('that fails leaves a server that admits no client', async () => {
    const given = material({ crl: 'no CRL' });
    const served: string[] = [];
    const server = https.createServer(
      { ...certificateOf(given), ca: given.root.pem, requestCert: true, rejectUnauthorized: true },
      helloApp(served),
    );
    const options = { ...given.options, logger: silent };
    expect((await failureOf(protect(server, options))).code).toBe('ERR_MTLS_PEM_INVALID');
    const port = await listen(server);
    const client = new Client({ port, ca: given.root.pem }, given.root.client('client1'));
    expect(await client.get()).toMatchObject({ status: 'refused' });
    expect(served).toEqual([]);
  });

  describe('refuses a server that has a gate already', () => {
    const refused = {
      code: 'ERR_MTLS_STATE_INVALID',
      message:
        'the server already has a gate, from createServer() or an earlier protect(); use the handle that the first call returned, or create a new server if protect() has failed',
    };
    const made = (given: ReturnType<typeof material>, served: string[] = []): https.Server =>
      https.createServer(
        { ...certificateOf(given), requestCert: true, rejectUnauthorized: false },
        helloApp(served),
      );

    test('by an earlier protect(), whose clients are served on', async () => {
      const given = material();
      const server = made(given);
      const mtls = await protect(server, given.options);
      await expect(protect(server, material().options)).rejects.toMatchObject(refused);
      const client = new Client({ port: await listen(server), ca: given.root.pem }, given.root.client());
      expect(await client.get()).toMatchObject({ status: 200 });
      await mtls.close();
    });

    test('by createServer(), also after its handle was closed', async () => {
      const { options } = material();
      const server = await createServer(options);
      await expect(protect(server, options)).rejects.toMatchObject(refused);
      await server.mtls.close();
      await expect(protect(server, options)).rejects.toMatchObject(refused);
    });

    test('by a protect() that is still reading, or that failed: that gate admits no client', async () => {
      const given = material({ crl: 'no CRL' });
      const served: string[] = [];
      const server = made(given, served);
      const first = failureOf(protect(server, { ...given.options, logger: silent }));
      await expect(protect(server, given.options)).rejects.toMatchObject(refused);
      expect((await first).code).toBe('ERR_MTLS_PEM_INVALID');
      publish(given.files.crl, given.root.crl().pem);
      await expect(protect(server, given.options)).rejects.toMatchObject(refused);
      const client = new Client({ port: await listen(server), ca: given.root.pem }, given.root.client());
      expect(await client.get()).toMatchObject({ status: 'refused' });
      expect(served).toEqual([]);
    });

    test('by another copy of this package', async () => {
      const given = material();
      const server = made(given);
      const mtls = await protect(server, given.options);
      await jest.isolateModulesAsync(async () => {
        const other = await import('express-mtls');
        expect(other.protect).not.toBe(protect);
        await expect(other.protect(server, given.options)).rejects.toMatchObject(refused);
      });
      await mtls.close();
    });

    test('and takes one whose options were refused before: that has no gate yet', async () => {
      const given = material();
      const server = made(given);
      await expect(protect(server, { ...given.options, ca: [] })).rejects.toMatchObject({
        code: 'ERR_MTLS_OPTION_INVALID',
      });
      const sni = { 'a.example': { key: given.files.key, cert: given.files.cert } };
      await expect(protect(server, { ...given.options, sni })).rejects.toThrow(
        /sni is only for createServer/,
      );
      const mtls = await protect(server, given.options);
      const client = new Client({ port: await listen(server), ca: given.root.pem }, given.root.client());
      expect(await client.get()).toMatchObject({ status: 200 });
      await mtls.close();
    });
  });

  test('replaces what the server was made with: its CAs count no longer', async () => {
    const given = material();
    const before = ca('before');
    const server = https.createServer(
      { ...certificateOf(given), ca: before.pem, requestCert: true, rejectUnauthorized: true },
      helloApp(),
    );
    const mtls: Mtls = await protect(server, { ...given.options, logger: silent });
    const target = { port: await listen(server), ca: given.root.pem };
    expect(await new Client(target, before.client()).get()).toMatchObject({ status: 'refused' });
    expect(await new Client(target, given.root.client()).get()).toMatchObject({ status: 200 });
    await mtls.close();
  });

  test.each([{ crl: 'with a CRL' }, { crl: 'without CRLs' }])(
    'judges the contexts of other host names by its own CAs too, $crl',
    async ({ crl }) => {
      const given = material(crl === 'with a CRL' ? {} : { crl: null });
      const other = ca('other');
      const served: string[] = [];
      const server = https.createServer(
        { ...certificateOf(given), requestCert: true, rejectUnauthorized: false },
        helloApp(served),
      );
      // A context of its own, as a server that hosts several names has them.
      server.addContext('localhost', { ...certificateOf(given), ca: other.pem });
      const mtls = await protect(server, { ...given.options, logger: silent });
      const target = { port: await listen(server), ca: given.root.pem };
      expect(await new Client(target, other.client('client1')).get()).toMatchObject({ status: 'refused' });
      expect(served).toEqual([]);
      await mtls.close();
    },
  );

  test('evicts from a server made elsewhere when a certificate expires', async () => {
    const given = material();
    const recorder = new Recorder();
    const clock = new Clock();
    const server = https.createServer(
      { ...certificateOf(given), requestCert: true, rejectUnauthorized: false },
      helloApp(),
    );
    const mtls = await protect(server, { ...given.options, now: clock.now, logger: recorder.logger });
    const notAfter = secondIn(hour);
    clock.set(notAfter.getTime() - 700);
    const client = new Client(
      { port: await listen(server), ca: given.root.pem },
      given.root.client({ notAfter }),
      { keepAlive: true },
    );
    expect(await client.get()).toMatchObject({ status: 200 });
    await until(() => client.connection.isClosed, 'the connection is closed');
    expect(clock.now()).toBeGreaterThanOrEqual(notAfter.getTime());
    expect(recorder.linesOf('evicted')).toMatchObject([{ fields: { reason: 'expired' } }]);
    await mtls.close();
  });
});

async function failureOf(failing: Promise<unknown>): Promise<MtlsError> {
  const error: unknown = await failing.then(
    () => undefined,
    (caught: unknown) => caught,
  );
  if (!(error instanceof MtlsError)) throw new Error(`expected an MtlsError, not ${String(error)}`);
  return error;
}
