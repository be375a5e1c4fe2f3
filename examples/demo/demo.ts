/**
 * `npm run demo`: a client is revoked while it is connected, step by step, over real TLS.
 *
 * @module
 */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createServer, type MtlsServer, type ReloadReport } from 'express-mtls';
import { type DevCa, type IssuedCertificate, openDevCa } from 'express-mtls/dev-ca';
import { createApp } from '../minimal/app.js';
import { Caller } from './caller.js';
import { check, conclude, step, tell, within } from './narrator.js';
import { ServerLog } from './server-log.js';

/** All participants. */
interface Scene {
  readonly ca: DevCa;
  readonly server: MtlsServer;
  readonly log: ServerLog;
  readonly anonymous: Caller;
  readonly client1: Caller;
  readonly client2: Caller;
  /** A second caller with client2's certificate. */
  readonly client2Again: Caller;
  /** The serial number of that certificate. */
  readonly serial: string;
}

const folder = mkdtempSync(path.join(tmpdir(), 'express-mtls-demo-'));
process.once('exit', () => {
  rmSync(folder, { recursive: true, force: true });
});
process.once('SIGINT', () => process.exit(130));

console.log('A client is revoked while it is connected, and its connection is closed.');
try {
  const scene = await setTheScene();
  await admitClients(scene);
  await revokeClient2(scene);
  await showTheEffect(scene);
  await closeAll(scene);
  conclude();
} catch (error) {
  conclude(error);
  process.exit();
}

async function setTheScene(): Promise<Scene> {
  step('Make a development CA, certificates for a server and two clients, and an empty CRL');
  const ca = await openDevCa(folder);
  const site = await ca.issueServer();
  const clients = [await ca.issueClient('client1'), await ca.issueClient('client2')] as const;
  tell(`in ${folder}, which is removed when the demo ends`);
  check(
    'issued',
    (await ca.list()).map(({ commonName }) => commonName),
    ['localhost', 'client1', 'client2'],
  );

  step('Start an Express app that requires a certificate of every client');
  const { log, server } = await startServer(ca, site);
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  tell(url);
  check(
    'the server log',
    (await log.next('listening')).message,
    `listening: ${url.slice(0, -1)}, clients of CN=ca`,
  );
  const callerAs = (issued?: IssuedCertificate): Caller => new Caller(url, ca.certFile, issued);
  const [client1, client2] = clients;
  return {
    ca,
    server,
    log,
    anonymous: callerAs(),
    client1: callerAs(client1),
    client2: callerAs(client2),
    client2Again: callerAs(client2),
    serial: client2.serialNumber,
  };
}

async function startServer(
  ca: DevCa,
  { keyFile, certFile }: IssuedCertificate,
): Promise<{ log: ServerLog; server: MtlsServer }> {
  const log = new ServerLog();
  const server = await createServer(
    {
      key: keyFile,
      cert: certFile,
      ca: ca.certFile,
      crl: ca.crlFile,
      logger: log,
      // Connections stay open between the steps, however slow the machine.
      tls: { keepAliveTimeout: 60_000 },
    },
    createApp(log),
  );
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return { log, server };
}

async function admitClients({ log, anonymous, client1, client2 }: Scene): Promise<void> {
  step('Call without a certificate');
  check('no certificate', await anonymous.call(), 'refused, on a new connection');
  check('the server log', (await log.next('refused')).message, 'refused: no-certificate, 127.0.0.1');

  step('Call as client1 and as client2, and keep both connections open');
  check('client1', await client1.call(), '200 hello client1, on a new connection');
  check('client2', await client2.call(), '200 hello client2, on a new connection');
  check('client2', await client2.call(), '200 hello client2, on the same connection');
}

async function revokeClient2({ ca, server, log, client2, serial }: Scene): Promise<void> {
  step('Revoke client2: the CA writes a new CRL file, and nothing is restarted');
  const reloaded = new Promise<ReloadReport>((resolve) => server.mtls.once('reloaded', resolve));
  const closed = client2.closed();
  const revocation = await ca.revoke('client2', { reason: 'keyCompromise' });
  const written = performance.now();
  check('the CA', revocation.outcome, 'revoked');

  step('The server detects the change, reloads, and closes the connection');
  const { durationMs, changed, added, removed, evicted } = await within('the reload', reloaded);
  check(
    'the reload',
    { changed, added, removed, evicted },
    { changed: true, added: 1, removed: 0, evicted: 1 },
  );
  tell(`${durationMs} ms from reading the files to the last eviction`);
  check("client2's connection", await within("the end of client2's connection", closed), 'closed');
  tell(`${Math.round(performance.now() - written)} ms after the file was written`);
  const { fields, message } = await log.next('evicted');
  check('the server log', message, `evicted: revoked, CN=client2, serial ${serial}, 127.0.0.1`);
  tell(String(fields['detail']));
}

async function showTheEffect({ server, log, client1, client2Again, serial }: Scene): Promise<void> {
  step('client2 tries to connect again');
  check('client2', await client2Again.call(), 'refused, on a new connection');
  const { fields, message } = await log.next('refused');
  check('the server log', message, `refused: revoked, CN=client2, serial ${serial}, 127.0.0.1`);
  tell(String(fields['detail']));

  step('client1 is not affected: it calls on the connection it opened before');
  check('client1', await client1.call(), '200 hello client1, on the same connection');
  check(
    'connected',
    Array.from(server.mtls.connections, ({ identity }) => identity.commonName),
    ['client1'],
  );
}

async function closeAll({ server, anonymous, client1, client2, client2Again }: Scene): Promise<void> {
  for (const caller of [anonymous, client1, client2, client2Again]) caller.hangUp();
  await once(server.close(), 'close');
}
