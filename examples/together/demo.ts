/**
 * `npm run demo:all`: a proxy, three processes behind it, bound tokens, and one revocation for all of them.
 *
 * @module
 */
import { fork } from 'node:child_process';
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import https from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { type DevCa, type IssuedCertificate, openDevCa } from 'express-mtls/dev-ca';
import { type CrlStore, publishCrl, redisStore } from 'express-mtls/sources';
import { Redis } from 'ioredis';
import { SignJWT } from 'jose';
import { Caller } from '../demo/caller.js';
import { check, conclude, step, tell, within } from '../demo/narrator.js';
import { startRedis } from '../fleet/redis-server.js';
import { startProxy } from './proxy.js';

const size = 3;

/** All participants. */
interface Scene {
  readonly ca: DevCa;
  readonly store: CrlStore;
  readonly url: string;
  readonly alice: IssuedCertificate;
  readonly bob: IssuedCertificate;
  /** The access token that was issued to alice. */
  readonly token: string;
}

const folder = mkdtempSync(path.join(tmpdir(), 'express-mtls-together-'));
process.once('exit', () => {
  rmSync(folder, { recursive: true, force: true });
});
process.once('SIGINT', () => process.exit(130));

console.log(`One proxy, ${size} processes, bound tokens: a client is revoked once.`);
try {
  const scene = await setTheScene();
  await useTokens(scene);
  await revokeAlice(scene);
  conclude();
} catch (error) {
  conclude(error);
}
process.exit();

async function setTheScene(): Promise<Scene> {
  step('Make a CA, publish its empty CRL in Redis, and issue alice a token that is bound to her certificate');
  const redis = await startRedis(folder);
  const ca = await openDevCa(path.join(folder, 'ca'));
  const [site, alice, bob] = [
    await ca.issueServer(),
    await ca.issueClient('alice'),
    await ca.issueClient('bob'),
  ];
  const store = redisStore(new Redis(redis.url).on('error', () => undefined));
  const { crls } = await publishCrl(store, ca.crlFile, { ca: ca.certFile });
  check('published, the entries', crls[0]?.entries, 0);
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const thumbprint = thumbprintOf(alice);
  const token = await new SignJWT({ cnf: { 'x5t#S256': thumbprint } })
    .setProtectedHeader({ alg: 'ES256' })
    .setAudience('https://api.example')
    .setExpirationTime('1h')
    .sign(keys.privateKey);
  tell(`cnf: { "x5t#S256": "${thumbprint}" }`);

  step(`Start ${size} processes, and a proxy in front of them that ends TLS`);
  const tokenKey = keys.publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const sockets = await Promise.all(
    Array.from({ length: size }, (_none, index) =>
      startProcess(path.join(folder, `${index}.sock`), {
        REDIS: redis.url,
        CA: ca.certFile,
        TOKEN_KEY: tokenKey,
      }),
    ),
  );
  const url = await startProxy({ ...site, caFile: ca.certFile }, sockets);
  check('processes', sockets.length, size);
  return { ca, store, url, alice, bob, token };
}

/** RFC 8705 section 3.1: the SHA-256 of the certificate, in base64url. */
function thumbprintOf({ certFile }: IssuedCertificate): string {
  const { fingerprint256 } = new X509Certificate(readFileSync(certFile));
  return Buffer.from(fingerprint256.replaceAll(':', ''), 'hex').toString('base64url');
}

async function startProcess(socket: string, env: Record<string, string>): Promise<string> {
  const child = fork(fileURLToPath(new URL('server.ts', import.meta.url)), {
    env: { ...process.env, ...env, SOCKET: socket },
  });
  await once(child, 'message');
  return socket;
}

async function useTokens({ ca, url, alice, bob, token }: Scene): Promise<void> {
  step('Call through the proxy: the token is accepted only with the certificate that it is bound to');
  const headers = { authorization: `Bearer ${token}` };
  check(
    'alice, with her token',
    await new Caller(url, ca.certFile, alice, headers).call(),
    newly('200 hello alice'),
  );
  check(
    'bob, with the token of alice',
    await new Caller(url, ca.certFile, bob, headers).call(),
    newly('401 ERR_MTLS_TOKEN_INVALID'),
  );
  check(
    'alice, without a token',
    await new Caller(url, ca.certFile, alice).call(),
    newly('401 ERR_MTLS_TOKEN_REQUIRED'),
  );
}

function newly(answer: string): string {
  return `${answer}, on a new connection`;
}

async function revokeAlice({ ca, store, url, alice, bob, token }: Scene): Promise<void> {
  step('Revoke alice, once, while a request of hers is open at each process');
  const headers = { authorization: `Bearer ${token}` };
  const agent = new https.Agent({
    ca: readFileSync(ca.certFile),
    cert: readFileSync(alice.certFile),
    key: readFileSync(alice.keyFile),
  });
  const streams: Promise<unknown>[] = [];
  for (let opened = 0; opened < size; opened++) {
    const [response] = (await once(https.get(`${url}events`, { agent, headers }), 'response')) as [
      IncomingMessage,
    ];
    // The end of a response that has not ended is an error.
    response.on('error', () => undefined).resume();
    streams.push(new Promise((resolve) => response.once('close', resolve)));
  }
  await ca.revoke('alice', { reason: 'keyCompromise' });
  const { confirmation } = await publishCrl(store, ca.crlFile, { ca: ca.certFile, wait: size });
  check('processes that confirm', confirmation?.processes, size);
  tell(`after ${confirmation?.durationMs ?? 0} ms`);
  await within("the end of alice's open requests", Promise.all(streams));
  check("alice's open requests", `${streams.length} ended`, `${size} ended`);

  step('Call again: the proxy knows nothing of the revocation, and the processes do');
  const refused = newly('401 ERR_MTLS_CERTIFICATE_REVOKED');
  for (let calls = 0; calls < size; calls++)
    check('alice, with her token', await new Caller(url, ca.certFile, alice, headers).call(), refused);
  check(
    'bob, without a token',
    await new Caller(url, ca.certFile, bob).call(),
    newly('401 ERR_MTLS_TOKEN_REQUIRED'),
  );
}
