/**
 * One process of the fleet: reads its CRL from Redis, and keeps a last-good copy for the day when Redis is down.
 *
 * @module
 */
import type { AddressInfo } from 'node:net';
import express from 'express';
import { clientIdentity, createServer } from 'express-mtls';
import { crlFromStore, lastGood, redisStore } from 'express-mtls/sources';
import { Redis } from 'ioredis';

const { REDIS = '', KEY = '', CERT = '', CA = '', LAST_GOOD = '' } = process.env;

const ignore = (): void => undefined;
// The demo prints what its clients see.
const silent = { info: ignore, warn: ignore, error: ignore };
const redis = new Redis(REDIS);
redis.on('error', () => {
  // While Redis is down, mtls.faults says so.
});
const crl = lastGood(crlFromStore(redisStore(redis), { pollMs: 2000, timeoutMs: 2000 }), LAST_GOOD);
const app = express();
app.use(clientIdentity());
app.get('/', (req, res) => {
  res.type('text').send(`hello ${req.clientIdentity?.commonName ?? 'anonymous'}\n`);
});
const server = await createServer({ key: KEY, cert: CERT, ca: CA, crl, logger: silent }, app);
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => {
  process.send?.((server.address() as AddressInfo).port);
});
// The demo ends its processes; one whose demo has ended by itself ends too.
process.once('disconnect', () => process.exit());
