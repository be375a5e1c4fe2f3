/**
 * How long the event loop is blocked, by Node's monitor and by a second probe, which distinguishes work from waiting
 * for a core.
 *
 * @module
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';

/** The longest stalls since the start, in milliseconds. */
export interface Stalls {
  /** By `monitorEventLoopDelay({ resolution: 1 })`, including the millisecond of its timer. */
  readonly monitor: number;
  /** From one turn of the loop to the next, with a 1 ms timer and a `setImmediate` in between. */
  readonly probe: number;
  /** The most CPU time of the main thread between two turns, independent of other work on the machine. */
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

  /** The CPU time of the main thread in milliseconds. */
  #cpu(): number {
    const length = readSync(this.#schedstat, this.#buffer, 0, this.#buffer.length, 0);
    return Number(this.#buffer.toString('latin1', 0, length).split(' ')[0]) / 1e6;
  }
}
