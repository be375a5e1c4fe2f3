/**
 * One client: sends requests repeatedly and reports the results.
 *
 * @module
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { machineTime, within } from '../../bench/harness/clock.js';
import { type ConnectionKind, retryPaceMs } from '../plan.js';
import type { Observation } from '../truth/observation.js';
import { Http2Line } from './http2-line.js';
import { HttpsLine } from './https-line.js';
import type { Line, LineOptions } from './line.js';
import { WebSocketLine } from './websocket-line.js';

/** The client, the server, the kind of connection, and the interval. */
export interface CustomerPlan extends Omit<LineOptions, 'onEnd'> {
  readonly id: number;
  readonly kind: ConnectionKind;
  readonly paceMs: number;
}

const answerLimitMs = 5000;

export class Customer {
  readonly #plan: CustomerPlan;
  readonly #tell: (observation: Observation) => void;
  readonly #line: Line;
  readonly #leaving = new AbortController();

  constructor(plan: CustomerPlan, tell: (observation: Observation) => void) {
    this.#plan = plan;
    this.#tell = tell;
    const onEnd = (): void => {
      const now = machineTime();
      this.#report({ client: plan.id, outcome: 'ended', from: now, to: now });
    };
    this.#line = openLine(plan.kind, { ...plan, onEnd });
  }

  /** Sends requests until it leaves. */
  async run(): Promise<void> {
    const { paceMs } = this.#plan;
    // Clients start at different moments.
    await this.#pause(Math.random() * paceMs);
    while (!this.#leaving.signal.aborted) {
      const started = machineTime();
      const pace = (await this.#ask(started)) ? paceMs : Math.max(paceMs, retryPaceMs);
      await this.#pause(Math.max(0, started + pace - machineTime()));
    }
  }

  /** Stops. The result of a request in progress is not reported. */
  leave(): void {
    this.#leaving.abort();
    this.#line.close();
  }

  async #ask(from: number): Promise<boolean> {
    const client = this.#plan.id;
    try {
      const answer = await within(this.#line.ask(), answerLimitMs, 'an answer');
      this.#report({ client, outcome: 'served', from, to: machineTime(), ...answer });
      return true;
    } catch (error) {
      this.#report({ client, outcome: 'turned away', from, to: machineTime(), why: describe(error) });
      this.#line.close();
      return false;
    }
  }

  #report(observation: Observation): void {
    if (!this.#leaving.signal.aborted) this.#tell(observation);
  }

  async #pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#leaving.signal }).catch(() => undefined);
  }
}

function openLine(kind: ConnectionKind, options: LineOptions): Line {
  switch (kind) {
    case 'http2':
      return new Http2Line(options);
    case 'websocket':
    case 'proxied-websocket':
      return new WebSocketLine(options);
    case 'keep-alive':
    case 'reconnecting':
    case 'resuming':
      return new HttpsLine(kind, options);
    case 'beside-sni':
    case 'sni':
    case 'proxied':
    case 'redis':
    case 'http':
      return new HttpsLine('keep-alive', options);
    case 'sni-reconnecting':
    case 'redis-reconnecting':
    case 'http-reconnecting':
      return new HttpsLine('reconnecting', options);
  }
}

function describe(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code === undefined ? message : `${code}: ${message}`;
}
