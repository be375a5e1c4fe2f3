/**
 * client-certificate-auth on node:https, as its README sets it up, with a CRL.
 *
 * @module
 */
import { createRequire } from 'node:module';
import { createServer } from 'node:https';
import type { PeerCertificate, TLSSocket } from 'node:tls';
import express, { type RequestHandler } from 'express';
import type { Adapter } from '../adapter.js';
import { answerCaller } from '../harness/app.js';
import { lacksOfMiddleware, packageVersion, serve, sendStatus } from './node-server.js';
import { read } from './node-https.js';

type Middleware = (callback: (certificate: PeerCertificate) => boolean) => RequestHandler;

export const clientCertificateAuth: Adapter = {
  name: 'client-certificate-auth',
  title: 'on node:https, with setSecureContext()',
  inNode: true,
  lacks: lacksOfMiddleware,
  version: () => packageVersion('client-certificate-auth'),
  start: async ({ files }) => {
    const middleware = createRequire(import.meta.url)('client-certificate-auth') as Middleware;
    const app = express();
    app.use(middleware(() => true));
    app.use(
      answerCaller((req) => (req.socket as TLSSocket).getPeerCertificate().subject.CN as unknown as string),
    );
    app.use(sendStatus);
    const server = createServer({ ...read(files), requestCert: true, rejectUnauthorized: false }, app);
    return await serve(
      server,
      () => {
        server.setSecureContext(read(files));
      },
      import.meta.url,
    );
  },
};
