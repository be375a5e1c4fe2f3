/**
 * Someone who may write to a store, and does what `CrlStore` does not offer: deletes everything, and sends notices of
 * nothing.
 *
 * @module
 */
import { connect } from '@nats-io/transport-node';
import { Kvm } from '@nats-io/kv';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { afterEach } from '@jest/globals';
import type { StoreKind } from './real-store.js';
import { pause } from './server.js';

/** What a hostile writer does to a store. */
export interface HostileWriter {
  /** Deletes every CRL. */
  deleteAll(): Promise<void>;
  /** Sends this many notices at once. */
  notify(count: number): Promise<void>;
  /** Removes what the notices have left. */
  cleanUp(): Promise<void>;
}

const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

const openers: Readonly<Record<StoreKind, (url: string) => Promise<HostileWriter>>> = {
  redis: openRedis,
  postgres: openPostgres,
  nats: openNats,
};

/** Connects to a store, until the test ends. */
export async function hostileWriter(kind: StoreKind, url: string): Promise<HostileWriter> {
  return await openers[kind](url);
}

/** A flood that goes on until it is stopped, or until the test ends. */
export class Flood {
  #goesOn = true;
  #count = 0;
  readonly #done: Promise<void>;

  /** @param work - Does one thing that the flood is made of, and answers how many it counts for. */
  constructor(work: () => Promise<number>) {
    this.#done = this.#run(work);
    closers.unshift(() => this.stop());
  }

  /** 10,000 notices a second, or as many as this machine can send. */
  static ofNotices(writer: HostileWriter): Flood {
    const [atOnce, everyMs] = [500, 50];
    let next = performance.now();
    return new Flood(async () => {
      await pause(Math.max(0, next - performance.now()));
      next = performance.now() + everyMs;
      await writer.notify(atOnce);
      return atOnce;
    });
  }

  /** Ends it, and answers how much there was. */
  async stop(): Promise<number> {
    this.#goesOn = false;
    await this.#done;
    return this.#count;
  }

  async #run(work: () => Promise<number>): Promise<void> {
    while (this.#goesOn) this.#count += await work();
  }
}

function openRedis(url: string): Promise<HostileWriter> {
  const client = new Redis(url);
  closers.push(() => {
    client.disconnect();
  });
  return Promise.resolve({
    deleteAll: async () => {
      await client.del('{express-mtls}:crls', '{express-mtls}:versions');
      await client.publish('{express-mtls}:changed', 'deleted');
    },
    notify: async (count) => {
      const pipeline = client.pipeline();
      for (let index = 0; index < count; index++) pipeline.publish('{express-mtls}:changed', String(index));
      await pipeline.exec();
    },
    cleanUp: () => Promise.resolve(),
  });
}

async function openPostgres(url: string): Promise<HostileWriter> {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  closers.push(() => client.end());
  return {
    deleteAll: async () => {
      await client.query("DELETE FROM express_mtls; SELECT pg_notify('express_mtls', 'deleted')");
    },
    notify: async (count) => {
      // Equal notices of one transaction are sent once.
      await client.query(
        "SELECT pg_notify('express_mtls', number::text) FROM generate_series(1, $1::int) AS number",
        [count],
      );
    },
    cleanUp: () => Promise.resolve(),
  };
}

async function openNats(url: string): Promise<HostileWriter> {
  const connection = await connect({ servers: url });
  closers.push(() => connection.close());
  const bucket = await new Kvm(connection).open('express-mtls');
  return {
    deleteAll: async () => {
      for await (const key of await bucket.keys()) await bucket.delete(key);
    },
    notify: async (count) => {
      for (let index = 0; index < count; index++) connection.publish('$KV.express-mtls.flood', String(index));
      await connection.flush();
    },
    cleanUp: async () => {
      await bucket.delete('flood');
    },
  };
}
