/**
 * One process of the API: behind a proxy, with its CRL from Redis, and for bound tokens only.
 *
 * @module
 */
import { createPublicKey } from 'node:crypto';
import express from 'express';
import { clientOf, createServer, mtlsErrorHandler, requireClient } from 'express-mtls';
import { requireBoundToken } from 'express-mtls/oauth';
import { crlFromStore, redisStore } from 'express-mtls/sources';
import { Redis } from 'ioredis';
import { jwtVerify } from 'jose';

const { REDIS = '', CA = '', SOCKET = '', TOKEN_KEY = '' } = process.env;

const ignore = (): void => undefined;
// The demo prints what its clients see.
const silent = { info: ignore, warn: ignore, error: ignore };
const redis = new Redis(REDIS);
redis.on('error', ignore);
const tokenKey = createPublicKey(TOKEN_KEY);

const app = express();
app.use(requireClient());
// Verifies the token, as express-oauth2-jwt-bearer does with the keys of an authorization server.
app.use((req, _res, next) => {
  const [, token] = /^Bearer (.*)$/.exec(req.headers.authorization ?? '') ?? [];
  if (token === undefined) {
    next();
    return;
  }
  jwtVerify(token, tokenKey, { audience: 'https://api.example' }).then((verified) => {
    Object.assign(req, { auth: verified });
    next();
  }, next);
});
app.use(requireBoundToken());
app.get('/', (req, res) => {
  res.type('text').send(`hello ${clientOf(req).commonName ?? ''}`);
});
app.get('/events', (_req, res) => {
  res.type('text').write('the first event');
});
app.use(mtlsErrorHandler());

const server = await createServer(
  {
    ca: CA,
    crl: crlFromStore(redisStore(redis)),
    proxies: { from: { socket: true }, header: 'rfc9440' },
    logger: silent,
  },
  app,
);
server.listen(SOCKET, () => process.send?.('ready'));
process.once('disconnect', () => process.exit());
