/**
 * A Redis that is killed and restarted. What was published is still there afterwards.
 *
 * @module
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Child } from '../../bench/harness/child.js';
import type { FleetPublisherCalls } from '../../bench/programs/fleet-publisher.js';
import { freePort, isListening } from '../../test/support/ports.js';
import { inRedis } from '../truth/standing.js';
import type { Outlet } from './outlet.js';

/** Its outage, as it is counted. */
export const redisOutage = 'Redis killed';

const startLimitMs = 10_000;

export class RedisOutlet implements Outlet {
  readonly way = inRedis;
  readonly outages = [
    { name: redisOutage, isTotal: true, begin: () => this.#kill(), end: () => this.#start() },
  ] as const;
  readonly #folder: string;
  /** PEM of the CA whose CRLs are published. */
  readonly #ca: string;
  readonly #publisher = new Child<FleetPublisherCalls>('fleet-publisher');
  #port = '';
  #process: ChildProcess | undefined;

  constructor(folder: string, ca: string) {
    mkdirSync(folder);
    this.#folder = folder;
    this.#ca = ca;
    process.once('exit', () => this.#process?.kill('SIGKILL'));
  }

  static isInstalled(): boolean {
    return spawnSync('sh', ['-c', 'command -v redis-server']).status === 0;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.#port}`;
  }

  /** Starts it on a free port. */
  async open(): Promise<void> {
    this.#port = await freePort();
    await this.#start();
  }

  async publish(der: Buffer): Promise<void> {
    await this.#publisher.call('publish', this.url, der, this.#ca);
  }

  async stop(): Promise<void> {
    await Promise.all([this.#publisher.stop(), this.#kill()]);
  }

  async #start(): Promise<void> {
    const place = ['--port', this.#port, '--bind', '127.0.0.1', '--dir', this.#folder];
    const child = spawn('redis-server', [...place, '--save', '', '--appendonly', 'yes'], { stdio: 'ignore' });
    this.#process = child;
    const giveUpAt = performance.now() + startLimitMs;
    while (!(await isListening(this.#port))) {
      if (child.exitCode !== null || performance.now() > giveUpAt)
        throw new Error('redis-server does not listen');
      await sleep(20);
    }
  }

  /** Without the time to close its connections. */
  async #kill(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child?.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }
}
