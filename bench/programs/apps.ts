/**
 * The apps of the servers under test.
 *
 * @module
 */
import type { RequestListener } from 'node:http';
import type { TLSSocket } from 'node:tls';
import express from 'express';
import { clientIdentity, mtlsErrorHandler, requireClient } from 'express-mtls';

export type AppName = 'plain' | 'bare' | 'layers' | 'guarded' | 'tutorial';

export const apps: Readonly<Record<AppName, () => RequestListener>> = {
  /** No framework at all. */
  plain: () => (_req, res) => {
    res.end('welcome\n');
  },
  /** Express and one route. */
  bare: () => express().get('/', welcome),
  /** Express with two no-op middlewares: the cost of two middlewares of any kind. */
  layers: () => {
    const app = express();
    app.use((_req, _res, next) => {
      next();
    });
    app.get(
      '/',
      (_req, _res, next) => {
        next();
      },
      welcome,
    );
    return app;
  },
  /** With this package's middleware before the route. */
  guarded: () => {
    const app = express();
    app.use(clientIdentity());
    app.get('/', requireClient({ commonName: 'client1' }), welcome);
    app.use(mtlsErrorHandler());
    return app;
  },
  /** Like common tutorials: reads the peer certificate at every request. */
  tutorial: () => {
    const app = express();
    app.use((req, res, next) => {
      const socket = req.socket as TLSSocket;
      if (socket.authorized && socket.getPeerCertificate().subject.CN === 'client1') next();
      else res.status(401).send('who?\n');
    });
    app.get('/', welcome);
    return app;
  },
};

const welcome: express.RequestHandler = (_req, res) => {
  res.send('welcome\n');
};
