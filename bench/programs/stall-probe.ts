/**
 * How long the event loop is held: by Node's own monitor, and by a second probe
 * that knows whether the thread was working or waiting for a core.
 *
 * @module
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';

/** The longest stalls since the start, in milliseconds. */
export interface Stalls {
  /** By `monitorEventLoopDelay({ resolution: 1 })`, whose timer's own millisecond is part of it. */
  readonly monitor: number;
  /** From one turn of the loop to the next, a timer of a millisecond and a `setImmediate` apart. */
  readonly probe: number;
  /** CPU time of the main thread between two turns: the longest, whatever else the machine was doing. */
  readonly cpu: number;
}

export class StallProbe {
  readonly #monitor: IntervalHistogram = monitorEventLoopDelay({ resolution: 1 });
  readonly #schedstat = openSync(`/proc/self/task/${process.pid}/schedstat`, 'r');
  readonly #buffer = Buffer.alloc(80);
  #lastTurn = process.hrtime.bigint();
  #lastCpu = this.#cpu();
  #probe = 0;
  #cpuInTurn = 0;
  #running = true;

  constructor() {
    this.#monitor.enable();
    this.#again();
  }

  stop(): Stalls {
    this.#look();
    this.#running = false;
    this.#monitor.disable();
    closeSync(this.#schedstat);
    return { monitor: this.#monitor.max / 1e6, probe: this.#probe, cpu: this.#cpuInTurn };
  }

  #again(): void {
    setTimeout(() => {
      setImmediate(() => {
        if (!this.#running) return;
        this.#look();
        this.#again();
      });
    }, 1);
  }

  #look(): void {
    const turn = process.hrtime.bigint();
    const cpu = this.#cpu();
    this.#probe = Math.max(this.#probe, Number(turn - this.#lastTurn) / 1e6);
    this.#cpuInTurn = Math.max(this.#cpuInTurn, cpu - this.#lastCpu);
    this.#lastTurn = turn;
    this.#lastCpu = cpu;
  }

  /** Milliseconds that the main thread was on a core. */
  #cpu(): number {
    const length = readSync(this.#schedstat, this.#buffer, 0, this.#buffer.length, 0);
    return Number(this.#buffer.toString('latin1', 0, length).split(' ')[0]) / 1e6;
  }
}
