/**
 * Socket.IO, polling and WebSocket, for some clients. `npx tsx examples/socket-io/server.ts`
 *
 * @module
 */
import type { EventEmitter } from 'node:events';
import { type IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { allOf, type ClientIdentity, createServer, mtlsErrorHandler, type MtlsRequest } from 'express-mtls';
import { developmentLogger, requireClient, requireClientOnUpgrade } from 'express-mtls';
import { Server } from 'socket.io';

type Session = EventEmitter & { readonly id: string; readonly request: MtlsRequest };

const port = Number(process.env['PORT'] ?? 4433);
const certs = process.env['CERTS'] ?? 'certs-dev';
const [key, cert] = [`${certs}/server-key.pem`, `${certs}/server-crt.pem`];
const [ca, crl] = [`${certs}/ca-crt.pem`, `${certs}/ca-crl.pem`];

const server = await createServer({ key, cert, ca, crl, logger: developmentLogger(), clients: 'optional' });
const io = new Server(server, { serveClient: false });

// A session is identified only by its id: without this, anyone who knows the id could act as its client.
const openers = new Map<string, string | undefined>();
io.engine.on('connection', (session: Session) => {
  openers.set(session.id, session.request.clientIdentity?.fingerprint256);
  session.once('close', () => openers.delete(session.id));
});
const ownsSession = ({ fingerprint256 }: ClientIdentity, { url = '' }: IncomingMessage): boolean => {
  const sid = new URL(url, 'https://localhost').searchParams.get('sid') ?? '';
  return !openers.has(sid) || openers.get(sid) === fingerprint256;
};
const rule = allOf({ commonName: ['client1', 'client2'] }, ownsSession);
const [mayPoll, mayUpgrade, answer] = [requireClient(rule), requireClientOnUpgrade(rule), mtlsErrorHandler()];

// This runs for every request of every transport; `allowRequest` would see only the first of a session.
io.engine.use((req: IncomingMessage, res: unknown, next: (error?: unknown) => void) => {
  if (res instanceof ServerResponse) {
    mayPoll(req, res, (error) => {
      if (error === undefined) next();
      else answer(error, req, res, next);
    });
  } else {
    mayUpgrade(req, req.socket).then((identity) => {
      if (identity !== undefined) next();
    }, next);
  }
});

io.on('connection', (socket) => {
  const { clientIdentity } = socket.request as MtlsRequest;
  socket.emit('welcome', clientIdentity?.commonName);
  socket.on('disconnect', () => {
    console.log(`${clientIdentity?.commonName} has left`);
  });
});
server.listen(port, () => {
  console.log(`Socket.IO on https://localhost:${(server.address() as AddressInfo).port}`);
});
