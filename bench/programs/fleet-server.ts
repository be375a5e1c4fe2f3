/**
 * One process of a fleet that reads its CRLs from Redis.
 *
 * @module
 */
import type { AddressInfo } from 'node:net';
import { createServer } from 'express-mtls';
import { crlFromStore, redisStore } from 'express-mtls/sources';
import { Redis } from 'ioredis';
import { answerCalls } from '../harness/calls.js';
import type { ServerFiles } from '../harness/material.js';
import { type Stalls, StallProbe } from './stall-probe.js';

let probe: StallProbe | undefined;

const calls = {
  /** Starts the server, and returns its port. */
  async listen(url: string, { key, cert, ca }: ServerFiles): Promise<number> {
    const crl = crlFromStore(redisStore(new Redis(url)));
    const server = await createServer({ key, cert, ca, crl }, (_req, res) => res.end('welcome\n'));
    server.keepAliveTimeout = 0;
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return (server.address() as AddressInfo).port;
  },

  startProbe(): void {
    probe = new StallProbe();
  },

  stopProbe(): Stalls {
    if (probe === undefined) throw new Error('no probe is running');
    return probe.stop();
  },

  /** Requires `--expose-gc`. */
  async collectGarbage(): Promise<void> {
    for (let pass = 0; pass < 4; pass++) {
      globalThis.gc?.();
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  },

  /** CPU of all threads since the start, in milliseconds. */
  cpu(): number {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  },
};

export type FleetServerCalls = typeof calls;

answerCalls(calls);
