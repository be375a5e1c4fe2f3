/**
 * `npm run demo:fleet`: one revocation reaches eight processes through Redis, and outlives both.
 *
 * @module
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { type DevCa, type IssuedCertificate, openDevCa } from 'express-mtls/dev-ca';
import { type CrlStore, publishCrl, redisStore } from 'express-mtls/sources';
import { Redis } from 'ioredis';
import { Caller } from '../demo/caller.js';
import { check, conclude, step, tell } from '../demo/narrator.js';
import { kill, startRedis } from './redis-server.js';

const size = 8;

/** A process of the fleet, and the two clients that are connected to it. */
interface Member {
  readonly child: ChildProcess;
  readonly url: string;
  readonly alice: Caller;
  readonly bob: Caller;
}

/** All participants. */
interface Scene {
  readonly ca: DevCa;
  readonly site: IssuedCertificate;
  readonly clients: readonly [IssuedCertificate, IssuedCertificate];
  readonly redis: Awaited<ReturnType<typeof startRedis>>;
  readonly store: CrlStore;
}

const folder = mkdtempSync(path.join(tmpdir(), 'express-mtls-fleet-'));
process.once('exit', () => {
  rmSync(folder, { recursive: true, force: true });
});
process.once('SIGINT', () => process.exit(130));

console.log(`A client is revoked once, and ${size} processes close its connections.`);
try {
  const scene = await setTheScene();
  const members = await startFleet(scene);
  await revokeBob(scene, members);
  await loseTheStore(scene, members);
  conclude();
} catch (error) {
  conclude(error);
}
process.exit();

async function setTheScene(): Promise<Scene> {
  step('Start a Redis server, make a CA, and publish its empty CRL');
  const redis = await startRedis(folder);
  const ca = await openDevCa(path.join(folder, 'ca'));
  const site = await ca.issueServer();
  const clients = [await ca.issueClient('alice'), await ca.issueClient('bob')] as const;
  const client = new Redis(redis.url);
  client.on('error', () => {
    // The demo kills the server.
  });
  const store = redisStore(client);
  const { crls } = await publishCrl(store, ca.crlFile, { ca: ca.certFile });
  check('published, the entries', crls[0]?.entries, 0);
  return { ca, site, clients, redis, store };
}

async function startFleet(scene: Scene): Promise<Member[]> {
  step(`Start ${size} processes, and connect alice and bob to each`);
  const members = await Promise.all(Array.from({ length: size }, (_, index) => startMember(scene, index)));
  for (const { alice, bob } of members) {
    for (const [name, caller] of Object.entries({ alice, bob })) {
      const answer = await caller.call();
      if (answer !== `200 hello ${name}, on a new connection`) check(name, answer, 'an answer');
    }
  }
  check('connections that stay open', 2 * members.length, 2 * size);
  return members;
}

async function startMember({ ca, site, clients, redis }: Scene, index: number): Promise<Member> {
  const child = fork(fileURLToPath(new URL('server.ts', import.meta.url)), {
    env: {
      ...process.env,
      REDIS: redis.url,
      KEY: site.keyFile,
      CERT: site.certFile,
      CA: ca.certFile,
      LAST_GOOD: lastGoodFile(index),
    },
  });
  const [port] = (await once(child, 'message')) as [number];
  const url = `https://localhost:${port}/`;
  const [alice, bob] = clients.map((client) => new Caller(url, ca.certFile, client)) as [Caller, Caller];
  return { child, url, alice, bob };
}

function lastGoodFile(index: number): string {
  return path.join(folder, `last-good-${index}.crl`);
}

async function revokeBob({ ca, store }: Scene, members: readonly Member[]): Promise<void> {
  step('Revoke bob, once, and publish the new CRL');
  const closing = members.map(async ({ bob }) => {
    await bob.closed();
    return performance.now();
  });
  await ca.revoke('bob', { reason: 'keyCompromise' });
  const published = performance.now();
  const { confirmation } = await publishCrl(store, ca.crlFile, { ca: ca.certFile, wait: size });
  const closed = await Promise.all(closing);
  console.log('\n   process    closed after');
  for (const [index, { child }] of members.entries())
    console.log(
      `   ${String(child.pid).padEnd(9)}  ${String(Math.round((closed[index] ?? 0) - published)).padStart(9)} ms`,
    );
  console.log();
  check('processes that confirm', confirmation?.processes, size);
  tell(`after ${confirmation?.durationMs ?? 0} ms`);
  check("bob's connections", `${closed.length} closed`, `${size} closed`);
}

async function loseTheStore(scene: Scene, members: readonly Member[]): Promise<void> {
  step('Kill Redis: the CRL in force decides');
  await scene.redis.kill();
  const [first] = members as readonly [Member, ...Member[]];
  check('alice', await first.alice.call(), '200 hello alice, on the same connection');
  check('bob', await first.bob.call(), 'refused, on a new connection');

  step('Restart a process while Redis is down: it starts with its last-good copy');
  await copied(scene.ca, lastGoodFile(0));
  await kill(first.child);
  const restarted = await startMember(scene, 0);
  check('alice', await restarted.alice.call(), '200 hello alice, on a new connection');
  check('bob', await restarted.bob.call(), 'refused, on a new connection');
}

/** Waits until the copy has the newest CRL. A CRL is in force before its copy is on the disk, which may be slow. */
async function copied({ crlFile }: DevCa, copy: string): Promise<void> {
  const pem = readFileSync(crlFile, 'utf8');
  const newest = Buffer.from(pem.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64');
  const end = performance.now() + 60_000;
  while (!existsSync(copy) || !readFileSync(copy).includes(newest)) {
    if (performance.now() > end) check('the last-good copy', 'is old', 'has the newest CRL');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
