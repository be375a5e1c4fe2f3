/**
 * passport-client-cert on node:https, as its example sets it up, with a CRL.
 *
 * @module
 */
import { createRequire } from 'node:module';
import { createServer } from 'node:https';
import type { PeerCertificate } from 'node:tls';
import express, { type RequestHandler } from 'express';
import type { Adapter } from '../adapter.js';
import { answerCaller } from '../harness/app.js';
import { lacksOfMiddleware, packageVersion, sendStatus, serve } from './node-server.js';
import { read } from './node-https.js';

interface Passport {
  use(strategy: object): void;
  initialize(): RequestHandler;
  authenticate(name: string, options: object): RequestHandler;
}
type Verify = (certificate: PeerCertificate, done: (error: null, user: object) => void) => void;
interface Loaded {
  Passport: new () => Passport;
  Strategy: new (verify: Verify) => object;
}

export const passportClientCert: Adapter = {
  name: 'passport-client-cert',
  title: 'on node:https, with setSecureContext()',
  inNode: true,
  lacks: lacksOfMiddleware,
  version: () => packageVersion('passport-client-cert'),
  start: async ({ files }) => {
    const load = createRequire(import.meta.url);
    const { Passport } = load('passport') as Loaded;
    const { Strategy } = load('passport-client-cert') as Loaded;
    const passport = new Passport();
    passport.use(
      new Strategy((certificate, done) => {
        done(null, { name: certificate.subject.CN });
      }),
    );
    const app = express();
    app.use(passport.initialize());
    app.use(passport.authenticate('client-cert', { session: false }));
    app.use(answerCaller((req) => (req as typeof req & { user?: { name?: string } }).user?.name));
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
