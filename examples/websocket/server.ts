/**
 * WebSockets with `ws`: a chat for some clients. `npx tsx examples/websocket/server.ts`
 *
 * @module
 */
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { createServer, developmentLogger, requireClientOnUpgrade } from 'express-mtls';
import { WebSocketServer } from 'ws';

const port = Number(process.env['PORT'] ?? 4433);
const certs = process.env['CERTS'] ?? 'certs-dev';
const [key, cert] = [`${certs}/server-key.pem`, `${certs}/server-crt.pem`];
const [ca, crl] = [`${certs}/ca-crt.pem`, `${certs}/ca-crl.pem`];
const logger = developmentLogger();

const server = await createServer({ key, cert, ca, crl, logger, clients: 'optional' }, (_req, res) => {
  res.writeHead(426, { Upgrade: 'websocket' }).end('This server speaks WebSocket.\n');
});

const chat = new WebSocketServer({ noServer: true });
const mayChat = requireClientOnUpgrade({ commonName: ['client1', 'client2'] });
server.on('upgrade', (req, socket, head) => {
  void upgrade(req, socket, head);
});

async function upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
  const identity = await mayChat(req, socket);
  // Other callers have been answered: 401 without a certificate, 403 with another name.
  if (identity === undefined) return;
  chat.handleUpgrade(req, socket, head, (member) => {
    member.on('error', console.error);
    member.on('message', (text: Buffer) => {
      for (const each of chat.clients) each.send(`${identity.commonName}: ${text.toString()}`);
    });
    // The gate closes the connection of a client that is revoked or whose certificate expires.
    member.on('close', () => {
      console.log(`${identity.commonName} has left`);
    });
    member.send(`welcome ${identity.commonName}`);
  });
}

server.listen(port, () => {
  console.log(`WebSocket on wss://localhost:${(server.address() as AddressInfo).port}`);
});
