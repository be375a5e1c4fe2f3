/**
 * Fastify, on a server with the gate. `npx tsx examples/fastify/server.ts`
 *
 * @module
 */
import type { AddressInfo } from 'node:net';
import { type ClientIdentity, createServer, developmentLogger, identify, requireClient } from 'express-mtls';
import fastify, { type preHandlerHookHandler } from 'fastify';

declare module 'fastify' {
  interface FastifyRequest {
    clientIdentity: ClientIdentity | undefined;
  }
}

const port = Number(process.env['PORT'] ?? 4433);
const certs = process.env['CERTS'] ?? 'certs-dev';
const [key, cert] = [`${certs}/server-key.pem`, `${certs}/server-crt.pem`];
const [ca, crl] = [`${certs}/ca-crt.pem`, `${certs}/ca-crl.pem`];
const logger = developmentLogger();

const server = await createServer({ key, cert, ca, crl, logger, clients: 'optional' });
const app = fastify({ serverFactory: (handler) => server.on('request', handler) });

app.decorateRequest('clientIdentity', undefined);
app.addHook('onRequest', async (request) => {
  request.clientIdentity = identify(request.raw);
});

// A guard is one hook. Its errors carry their status, 401 or 403, to Fastify's error handler.
const admin = requireClient({ commonName: 'client1' });
const preHandler: preHandlerHookHandler = (request, reply, done) => {
  admin(request.raw, reply.raw, (error) => {
    done(error as Error | undefined);
  });
};

app.get('/', async ({ clientIdentity }) => `hello ${clientIdentity?.commonName ?? 'stranger'}\n`);
app.get('/admin', { preHandler }, async () => 'welcome\n');

// Not 'localhost': Fastify would need a second server, for its other address.
await app.listen({ port, host: '::' });
console.log(`Fastify on https://localhost:${(server.address() as AddressInfo).port}`);
