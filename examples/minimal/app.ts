/**
 * The app that the tutorial's server and the demo serve: it greets its callers by name.
 *
 * @module
 */
import express, { type Express } from 'express';
import { clientIdentity, type Logger, mtlsErrorHandler, requestLog, requireClient } from 'express-mtls';

export function createApp(logger: Logger): Express {
  const app = express();
  app.use(requestLog({ logger }));
  app.use(clientIdentity());
  app.get('/', (req, res) => {
    res.type('text').send(`hello ${req.clientIdentity?.commonName ?? 'stranger'}\n`);
  });
  app.get('/admin', requireClient({ commonName: 'client1' }), (_req, res) => {
    res.type('text').send('welcome\n');
  });
  app.use(mtlsErrorHandler());
  return app;
}
