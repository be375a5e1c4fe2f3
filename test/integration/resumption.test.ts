import { constants, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import https from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Server as TlsServer, TLSSocket } from 'node:tls';
import { describe, expect, test } from '@jest/globals';
import express from 'express';
import { createServerOptions, identify, mtlsErrorHandler, protect, requireClient } from 'express-mtls';
import type { MtlsOptions } from 'express-mtls';
import { type Certificate, type CertificateAuthority, ca } from '../support/chain.js';
import { type Answer, Client, tlsVersions } from '../support/client.js';
import {
  type StartOptions,
  type TestServer,
  listen,
  material,
  nodeShowsIntermediates,
  publish,
  startServer,
} from '../support/server.js';

const hour = 3_600_000;
const inMs = (ms: number): Date => new Date(Date.now() + ms);

const keys = [
  { title: 'default ticket keys', tls: (): object => ({}) },
  { title: 'ticket keys of one’s own', tls: (): object => ({ ticketKeys: randomBytes(48) }) },
];

describe.each(tlsVersions)('over %s', (version) => {
  /** A call with a full handshake, for its session. */
  async function firstCall(server: TestServer, certificate: Certificate | undefined): Promise<Answer> {
    const answer = await server.as(certificate, { version }).get();
    expect(answer).toMatchObject({ status: 200, resumed: false });
    expect(answer.session).toBeDefined();
    return answer;
  }

  describe.each(keys)('with $title', ({ tls }) => {
    test('a good client resumes its session, and its identity says so', async () => {
      const root = ca('ca');
      const server = await startServer({ root, options: { tls: tls() } });
      const client1 = root.client('client1');
      const { session, body } = await firstCall(server, client1);
      expect(JSON.parse(body)).toEqual({ hello: 'client1', resumed: false });
      const again = await server.as(client1, { version }).get('/', { session });
      expect(again).toMatchObject({ status: 200, resumed: true });
      expect(JSON.parse(again.body)).toEqual({ hello: 'client1', resumed: true });
      expect(server.recorder.events('authenticated').map(({ identity }) => identity.resumed)).toEqual([
        false,
        true,
      ]);
    });

    test('a good client resumes its session after a reload of CRL and certificate too', async () => {
      const root = ca('ca');
      const server = await startServer({ root, options: { tls: tls(), watch: false } });
      const client1 = root.client('client1');
      const { session } = await firstCall(server, client1);
      const renewed = root.server();
      publish(server.files.key, renewed.keyPem);
      publish(server.files.cert, renewed.pem);
      publish(server.files.crl, root.crl({ number: 2, revoked: [root.client('client2')] }).pem);
      await server.mtls.reload();
      const again = await server.as(client1, { version }).get('/', { session });
      expect(again).toMatchObject({ status: 200, resumed: true });
    });

    test('the session of a client that is revoked since is refused', async () => {
      const root = ca('ca');
      const client2 = root.client('client2');
      const options = { tls: tls(), watch: false } as const;
      const server = await startServer({ root, options });
      const { session } = await firstCall(server, client2);
      publish(server.files.crl, root.crl({ number: 2, revoked: [client2] }).pem);
      await server.mtls.reload();
      expect(await server.as(client2, { version }).get('/', { session })).toMatchObject({
        status: 'refused',
      });
      expect(server.recorder.events('refused')).toMatchObject([
        { reason: 'revoked', resumed: true, identity: { commonName: 'client2' } },
      ]);
      expect(server.served).toHaveLength(1);
    });

    test('the session of a client whose certificate has expired since is refused', async () => {
      const root = ca('ca');
      const server = await startServer({ root, options: { tls: tls() } });
      const client1 = root.client({ commonName: 'client1', notAfter: inMs(hour) });
      const { session } = await firstCall(server, client1);
      server.clock.advance(2 * hour);
      const again = await server.as(client1, { version }).get('/', { session });
      expect(again).toMatchObject({ status: 'refused', resumed: true });
      expect(server.recorder.events('refused')).toMatchObject([{ reason: 'expired', resumed: true }]);
    });

    test('the session of a client whose CRL has become stale is refused', async () => {
      const root = ca('ca');
      const crl = root.crl({ nextUpdate: inMs(hour) }).pem;
      const server = await startServer({ root, crl, options: { tls: tls() } });
      const client1 = root.client('client1');
      const { session } = await firstCall(server, client1);
      server.clock.advance(2 * hour);
      const again = await server.as(client1, { version }).get('/', { session });
      expect(again).toMatchObject({ status: 'refused', resumed: true });
      expect(server.recorder.events('refused')).toMatchObject([
        { reason: 'revocation-unknown', resumed: true },
      ]);
    });

    test('no session is resumed after the CAs have changed: a good client makes a new handshake, one of a removed CA is refused', async () => {
      const [root, second] = [ca('ca'), ca('second')];
      const server = await startServer({
        root,
        cas: [root, second],
        crl: null,
        options: { tls: tls(), watch: false },
      });
      const [stays, goes] = [root.client('client1'), second.client('client2')];
      const sessions = [await firstCall(server, stays), await firstCall(server, goes)];
      publish(server.files.ca, root.pem);
      await server.mtls.reload();
      expect(await server.as(stays, { version }).get('/', { session: sessions[0]?.session })).toMatchObject({
        status: 200,
        resumed: false,
      });
      expect(await server.as(goes, { version }).get('/', { session: sessions[1]?.session })).toMatchObject({
        status: 'refused',
      });
      expect(server.recorder.events('refused')).toMatchObject([{ reason: 'untrusted', resumed: false }]);
    });

    test('the session of a client with an intermediate of its own is resumed, though the intermediate is not sent again', async () => {
      const root = ca('ca');
      const client1 = root.intermediate('middle').client('client1');
      const server = await startServer({ root, crl: null, options: { tls: tls() } });
      if (!(await nodeShowsIntermediates())) {
        expect(await server.as(client1, { version }).get()).toMatchObject({ status: 'refused' });
        expect(server.recorder.events('refused')).toMatchObject([{ reason: 'untrusted' }]);
        return;
      }
      const { session } = await firstCall(server, client1);
      expect(await server.as(client1, { version }).get('/', { session })).toMatchObject({
        status: 200,
        resumed: true,
      });
    });
  });

  test('an anonymous session is resumed as an anonymous one, where clients are optional', async () => {
    const app = express();
    app.get('/open', (req, res) => res.send(identify(req)?.commonName ?? 'nobody'));
    app.get('/', requireClient(), (_req, res) => res.send('admitted'));
    app.use(mtlsErrorHandler());
    const server = await startServer({ app, options: { clients: 'optional' } });
    const { session, body } = await server.as(undefined, { version }).get('/open');
    expect(body).toBe('nobody');
    expect(await server.as(undefined, { version }).get('/open', { session })).toMatchObject({
      status: 200,
      body: 'nobody',
      resumed: true,
    });
    expect(await server.as(undefined, { version }).get('/', { session })).toMatchObject({
      status: 401,
      resumed: true,
    });
    expect(server.recorder.events('authenticated')).toEqual([]);
  });

  test('a session from where clients are optional is not resumed where they are required', async () => {
    const root = ca('ca');
    const tls = { ticketKeys: randomBytes(48) };
    const optional = await startServer({ root, options: { tls, clients: 'optional' } });
    const { session } = await firstCall(optional, undefined);
    const required = await startServer({ root, options: { tls } });
    const answer = await required.as(undefined, { version }).get('/', { session });
    expect(answer).toMatchObject({ status: 'refused', resumed: false });
    expect(required.recorder.events('refused')).toMatchObject([{ reason: 'no-certificate', resumed: false }]);
  });

  test.each(['named', 'native'] as const)(
    'a session from a listener that requests no certificate admits no client, though the ticket keys are the same (%s)',
    async (refusals) => {
      const root = ca('ca');
      const tls = { ticketKeys: randomBytes(48) };
      const server = await startServer({ root, options: { tls, refusals } });
      const { sessionIdContext } = await createServerOptions(withoutCrl({ ...server.options, tls }));
      const careless = https.createServer(
        {
          key: readFileSync(server.files.key),
          cert: readFileSync(server.files.cert),
          ...tls,
          sessionIdContext,
        },
        (_req, res) => res.end('anybody'),
      );
      const port = await listen(careless);
      const { session } = await new Client({ port, ca: root.pem }, undefined, { version }).get();
      expect(session).toBeDefined();
      expect(await server.as(undefined, { version }).get('/', { session })).toMatchObject({
        status: 'refused',
      });
      expect(server.served).toEqual([]);
      expect(server.recorder.events('authenticated')).toEqual([]);
      expect(server.recorder.events('refused')).toMatchObject([{ reason: withoutCertificate(refusals) }]);
      if (refusals === 'named') expect(server.recorder.events('refused')).toMatchObject([{ resumed: true }]);
    },
  );

  test('the session of a process that has not reloaded yet is refused by one that has', async () => {
    const root = ca('ca');
    const client2 = root.client('client2');
    const tls = { ticketKeys: randomBytes(48) };
    const [late, early] = [
      await startServer({ root, options: { tls } }),
      await startServer({ root, crl: root.crl({ number: 2, revoked: [client2] }).pem, options: { tls } }),
    ];
    const { session } = await firstCall(late, client2);
    expect(await early.as(client2, { version }).get('/', { session })).toMatchObject({ status: 'refused' });
    expect(early.recorder.events('refused')).toMatchObject([{ reason: 'revoked', resumed: true }]);
  });

  test('createServerOptions() alone: a ticket from where an older CRL is loaded is worth nothing, and OpenSSL asks the CRL', async () => {
    const root = ca('ca');
    const [client1, client2] = [root.client('client1'), root.client('client2')];
    const tls = { ticketKeys: randomBytes(48) };
    const served: string[] = [];
    const start = async (crl: string): Promise<number> => {
      const { options } = material({ root, crl });
      // No middleware: OpenSSL is all there is.
      const app = (req: IncomingMessage, res: ServerResponse): void => {
        served.push(`${req.url} ${String((req.socket as TLSSocket).isSessionReused())}`);
        res.end();
      };
      return await listen(https.createServer(await createServerOptions({ ...options, tls }), app));
    };
    const crl = root.crl().pem;
    const [late, early, same] = [
      await start(crl),
      await start(root.crl({ number: 2, revoked: [client2] }).pem),
      await start(crl),
    ];
    const call = async (
      port: number,
      certificate: Certificate,
      path: string,
      session?: Buffer,
    ): Promise<Answer> =>
      await new Client({ port, ca: root.pem }, certificate, { version }).get(path, { session });
    const { session } = await call(late, client2, '/before');
    expect(await call(early, client2, '/revoked', session)).toMatchObject({ status: 'refused' });
    const good = await call(late, client1, '/good');
    expect(await call(early, client1, '/good', good.session)).toMatchObject({ status: 200, resumed: false });
    expect(served).toEqual(['/before false', '/good false', '/good false']);
    expect(await call(same, client1, '/good', good.session)).toMatchObject({ status: 200, resumed: true });
  });

  test('the session of a client that was refused is refused again', async () => {
    const root = ca('ca');
    const stranger = ca('other').client('client1');
    const tls = { ticketKeys: randomBytes(48) };
    const server = await startServer({ root, options: { tls } });
    const { session } = await server.as(stranger, { version }).get();
    expect(await server.as(stranger, { version }).get('/', { session })).toMatchObject({ status: 'refused' });
    expect(server.recorder.events('refused').map(({ reason }) => reason)).toEqual(['untrusted', 'untrusted']);
  });

  describe('resumption: false', () => {
    test('resumes no session', async () => {
      const root = ca('ca');
      const server = await startServer({ root, options: { resumption: false } });
      const client1 = root.client('client1');
      const { session } = await server.as(client1, { version }).get();
      const again = await server.as(client1, { version }).get('/', { session });
      expect(again).toMatchObject({ status: 200, resumed: false });
      expect(JSON.parse(again.body)).toEqual({ hello: 'client1', resumed: false });
    });

    test('resumes no session of before a reload or with ticket keys of one’s own', async () => {
      const root = ca('ca');
      const server = await startServer({
        root,
        options: { resumption: false, watch: false, tls: { ticketKeys: randomBytes(48) } },
      });
      const client1 = root.client('client1');
      const { session } = await server.as(client1, { version }).get();
      publish(server.files.crl, root.crl({ number: 2 }).pem);
      await server.mtls.reload();
      expect(await server.as(client1, { version }).get('/', { session })).toMatchObject({
        status: 200,
        resumed: false,
      });
    });
  });

  test('resumption: false wants no store of sessions, whenever it comes', async () => {
    const root = ca('ca');
    const options = { resumption: false };
    const { server } = await startServer({ root, options });
    const invalid = expect.objectContaining({
      code: 'ERR_MTLS_OPTION_INVALID',
      message: expect.stringContaining('resumes sessions, but options.resumption is false'),
    });
    expect(() => keepSessions(server)).toThrow(invalid);
    expect(() => server.on('resumeSession', () => {})).toThrow(invalid);
    const made = https.createServer({ requestCert: true, rejectUnauthorized: false });
    keepSessions(made);
    await expect(protect(made, { ...material({ root }).options, ...options })).rejects.toEqual(invalid);
  });

  describe.each(['with', 'without'])('with a store of sessions on the server, %s tickets', (tickets) => {
    // Where tickets are off, a session of TLS 1.2 comes out of the store; of TLS 1.3, none does.
    const fromStore = version === 'TLSv1.2' && tickets === 'without';
    const tls = tickets === 'without' ? { secureOptions: constants.SSL_OP_NO_TICKET } : {};

    async function start(root: CertificateAuthority, given: StartOptions = {}): Promise<TestServer> {
      return await startServer({ root, ...given, options: { watch: false, tls, ...given.options } });
    }

    test('a client that is revoked since is refused, and others are served', async () => {
      const root = ca('ca');
      const [client1, client2] = [root.client('client1'), root.client('client2')];
      const server = await start(root);
      keepSessions(server.server);
      const [good, revoked] = [await firstCall(server, client1), await server.as(client2, { version }).get()];
      publish(server.files.crl, root.crl({ number: 2, revoked: [client2] }).pem);
      await server.mtls.reload();
      expect(await server.as(client2, { version }).get('/', { session: revoked.session })).toMatchObject({
        status: 'refused',
      });
      const resumed = fromStore || tickets === 'with';
      expect(server.recorder.events('refused')).toMatchObject([{ reason: 'revoked', resumed }]);
      expect(await server.as(client1, { version }).get('/', { session: good.session })).toMatchObject({
        status: 200,
        resumed,
      });
    });

    test('no session is resumed once the CAs are others', async () => {
      const [root, second] = [ca('ca'), ca('second')];
      const server = await start(root, { cas: [root, second], crl: null });
      keepSessions(server.server);
      const [stays, goes] = [root.client('client1'), second.client('client2')];
      const sessions = [
        await server.as(stays, { version }).get(),
        await server.as(goes, { version }).get(),
      ].map(({ session }) => session);
      publish(server.files.ca, root.pem);
      await server.mtls.reload();
      expect(await server.as(stays, { version }).get('/', { session: sessions[0] })).toMatchObject({
        status: 200,
        resumed: false,
      });
      expect(await server.as(goes, { version }).get('/', { session: sessions[1] })).toMatchObject({
        status: 'refused',
      });
      expect(server.recorder.events('refused')).toMatchObject([{ reason: 'untrusted', resumed: false }]);
    });

    test.each(['named', 'native'] as const)(
      'a session of a listener that requests no certificate and has the same store admits no client (%s)',
      async (refusals) => {
        const root = ca('ca');
        const server = await start(root, { options: { refusals } });
        const { sessionIdContext } = await createServerOptions(withoutCrl(server.options));
        const careless = https.createServer(
          {
            key: readFileSync(server.files.key),
            cert: readFileSync(server.files.cert),
            secureOptions: constants.SSL_OP_NO_TICKET,
            sessionIdContext,
          },
          (_req, res) => res.end('anybody'),
        );
        const port = await listen(careless);
        keepSessions(server.server, keepSessions(careless));
        const { session } = await new Client({ port, ca: root.pem }, undefined, { version }).get();
        expect(await server.as(undefined, { version }).get('/', { session })).toMatchObject({
          status: 'refused',
        });
        expect(server.served).toEqual([]);
        expect(server.recorder.events('refused')).toMatchObject([{ reason: withoutCertificate(refusals) }]);
      },
    );
  });
});

/** The session id context is bound to the CRLs where OpenSSL judges alone. */
function withoutCrl({ crl: _crl, ...options }: MtlsOptions): MtlsOptions {
  return options;
}

/**
 * The reason that a session without a certificate is refused for. OpenSSL's own code for it is the one of a chain that
 * does not end, and its lines differ in whether they resume the session or shake hands anew.
 */
function withoutCertificate(refusals: 'named' | 'native'): unknown {
  return refusals === 'native' ? expect.stringMatching(/^(no-certificate|untrusted)$/) : 'no-certificate';
}

/** Gives a server a store of sessions, as the documentation of node:tls shows it. */
function keepSessions(server: TlsServer, store = new Map<string, Buffer>()): Map<string, Buffer> {
  server.on('newSession', (id: Buffer, data: Buffer, done: () => void) => {
    store.set(id.toString('hex'), data);
    done();
  });
  server.on('resumeSession', (id: Buffer, done: (error: null, data: Buffer | null) => void) => {
    done(null, store.get(id.toString('hex')) ?? null);
  });
  return store;
}
