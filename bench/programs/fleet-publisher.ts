/**
 * Publishes CRLs to Redis.
 *
 * @module
 */
import { publishCrl, redisStore } from 'express-mtls/sources';
import { Redis } from 'ioredis';
import { answerCalls } from '../harness/calls.js';
import { machineTime } from '../harness/clock.js';

const clients = new Map<string, Redis>();

function storeOf(url: string): ReturnType<typeof redisStore> {
  let client = clients.get(url);
  if (client === undefined) {
    client = new Redis(url);
    // Redis may be down for a while.
    client.on('error', () => undefined);
    clients.set(url, client);
  }
  return redisStore(client);
}

const calls = {
  /** Publishes a CRL, and returns the `machineTime()` just before. */
  async publish(url: string, der: Uint8Array, ca: string): Promise<number> {
    const at = machineTime();
    await publishCrl(storeOf(url), Buffer.from(der), { ca });
    return at;
  },

  /** The length of the longest report of a process. */
  async reportBytes(url: string): Promise<number> {
    const reports = await storeOf(url).reports(100, AbortSignal.timeout(5000));
    return Math.max(...reports.map((report) => Buffer.byteLength(report)));
  },
};

export type FleetPublisherCalls = typeof calls;

answerCalls(calls);
