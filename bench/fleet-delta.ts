/**
 * Delta CRLs over a million entries: how soon each is in force, and what it costs the process.
 *
 * @module
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Certificate, largeCrl } from '../test/support/chain.js';
import { Child } from './harness/child.js';
import { type Bench, type Context, million } from './harness/context.js';
import { memoryOf } from './harness/process-figures.js';
import { startRedis } from './harness/redis.js';
import type { Figure } from './harness/results.js';
import { median } from './harness/statistics.js';
import { HeldConnections } from './load/held-connections.js';
import type { FleetPublisherCalls } from './programs/fleet-publisher.js';
import type { FleetServerCalls } from './programs/fleet-server.js';
import type { Stalls } from './programs/stall-probe.js';

const deltaEntries = 100;
const limitMs = 30_000;
const pauseMs = 200;

/** Publishes one delta after the other to Redis. A process with a million entries reads them. */
export async function measureDeltas(bench: Bench, { quick, progress }: Context): Promise<Figure[]> {
  const rounds = quick ? 3 : 20;
  progress(`${rounds} deltas over a million entries`);
  const fleet = await Fleet.start(bench);
  // Code that runs for the first time is not measured.
  for (let round = 0; round < 3; round++) await fleet.publish();
  const deltas: Delta[] = [];
  for (let round = 0; round < rounds; round++) deltas.push(await fleet.publishProbed());
  // The probe costs CPU time, so it does not run here.
  const cpuMs: number[] = [];
  for (let round = 0; round < rounds; round++) cpuMs.push(await fleet.cpuOfPublishing());
  const residentMb = await fleet.residentMb();
  const medianOf = (key: keyof Delta): number => median(deltas.map((delta) => delta[key]));
  const label = `a delta of ${deltaEntries} entries over a million`;
  return [
    { label: `${label}: published to enforced`, value: medianOf('enforcedMs'), unit: 'ms', atMost: 50 },
    { label: `${label}: longest stall of the event loop`, value: medianOf('monitor'), unit: 'ms', atMost: 5 },
    { label: `${label}: CPU of the main thread in one turn of the loop`, value: medianOf('cpu'), unit: 'ms' },
    { label: `${label}: CPU of the process`, value: median(cpuMs), unit: 'ms' },
    { label: 'resident with a million entries and a delta', value: residentMb, unit: 'MB' },
  ];
}

/** What one delta took. */
interface Delta extends Stalls {
  /** From before `publishCrl()` until the revoked client's connection is closed, in milliseconds. */
  readonly enforcedMs: number;
}

/** A publisher, and one process that has a million entries in force. */
class Fleet {
  readonly #bench: Bench;
  readonly #url: string;
  readonly #publisher: Child<FleetPublisherCalls>;
  readonly #server: Child<FleetServerCalls>;
  #port = 0;
  readonly #revoked: Certificate[] = [];

  static async start(bench: Bench): Promise<Fleet> {
    const fleet = new Fleet(bench, await startRedis(bench));
    const { root } = bench.material;
    await fleet.#send(largeCrl(root, { entries: million, number: 1 }).der);
    fleet.#port = await fleet.#server.call('listen', fleet.#url, bench.material.serverFiles());
    return fleet;
  }

  private constructor(bench: Bench, url: string) {
    this.#bench = bench;
    this.#url = url;
    this.#publisher = bench.own(new Child<FleetPublisherCalls>('fleet-publisher'));
    this.#server = bench.own(new Child<FleetServerCalls>('fleet-server', ['--expose-gc']));
  }

  /** Revokes one more client by a delta, and returns the milliseconds until its connection is closed. */
  async publish(beforeEach = async (): Promise<unknown> => undefined): Promise<number> {
    const { material } = this.#bench;
    const { root } = material;
    const client = root.client(`client${this.#revoked.length}`);
    const held = await HeldConnections.open(this.#port, [material.credentialsOf(client)]);
    this.#revoked.push(client);
    const number = 1 + this.#revoked.length;
    const entries = deltaEntries - this.#revoked.length;
    const { der } = largeCrl(root, { entries, also: this.#revoked, number, delta: 1 });
    await sleep(pauseMs);
    await beforeEach();
    const started = await this.#send(der);
    const [closedAt = NaN] = await held.closed(limitMs);
    await sleep(pauseMs);
    return closedAt - started;
  }

  async publishProbed(): Promise<Delta> {
    const enforcedMs = await this.publish(() => this.#server.call('startProbe'));
    return { ...(await this.#server.call('stopProbe')), enforcedMs };
  }

  /** The CPU time of the process for one delta, in milliseconds. */
  async cpuOfPublishing(): Promise<number> {
    let before = 0;
    await this.publish(async () => (before = await this.#server.call('cpu')));
    return (await this.#server.call('cpu')) - before;
  }

  async residentMb(): Promise<number> {
    await this.#server.call('collectGarbage');
    return memoryOf(this.#server.pid).resident / 1e6;
  }

  async #send(der: Buffer): Promise<number> {
    return await this.#publisher.call('publish', this.#url, der, this.#bench.material.root.pem);
  }
}
