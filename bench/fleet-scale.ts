/**
 * How many requests and bytes a fleet costs one HTTP origin: a simulation with the schedule of `crlFromUrl()`. Prints
 * the table of docs/fleet.md: `npx tsx bench/fleet-scale.ts`.
 *
 * @module
 */
import { pathToFileURL } from 'node:url';
import { refreshDelayMs } from '../src/sources/refresh-schedule.js';

/** A fleet and what its CA publishes. Times are in seconds. */
export interface Fleet {
  readonly processes: number;
  /** The processes start within this time. */
  readonly startsWithin: number;
  /** The max-age of every response. */
  readonly maxAge: number;
  /** How often a full CRL is published, and for how long it is current. */
  readonly fullEvery: number;
  readonly fullBytes: number;
  /** How often a delta CRL is published; `undefined` for none. */
  readonly deltaEvery: number | undefined;
  readonly deltaBytes: number;
  /** Whether requests are spread over time. */
  readonly jitter: boolean;
}

/** What the origin sees, after the start. */
export interface Load {
  readonly meanRequests: number;
  /** In the busiest second. */
  readonly peakRequests: number;
  /** The part of the requests that is answered with 304. */
  readonly unchanged: number;
  readonly meanBytes: number;
  readonly peakBytes: number;
  /** Seconds from the publication to the mean and to the last process. */
  readonly meanDelay: number;
  readonly lastDelay: number;
}

/** The bytes of a request and a response without a body, as counted on a loopback connection. */
export const headBytes = 400;

const duration = 4 * 3600;
const warmUp = 2 * 3600;

/** Simulates four hours, of which the last two are counted. */
export function simulate(fleet: Fleet, random: () => number = Math.random): Load {
  const requests = new Uint32Array(duration);
  const bytes = new Float64Array(duration);
  const total = { requests: 0, unchanged: 0, bytes: 0, delay: 0, changed: 0, lastDelay: 0 };
  const resources = [
    { every: fleet.fullEvery, size: fleet.fullBytes },
    ...(fleet.deltaEvery === undefined ? [] : [{ every: fleet.deltaEvery, size: fleet.deltaBytes }]),
  ];
  for (let process = 0; process < fleet.processes; process++) {
    const start = random() * fleet.startsWithin;
    for (const { every, size } of resources) {
      let version = -1;
      for (let at = start; at < duration; at += delayOf(at, every, fleet, random)) {
        const second = Math.floor(at);
        const current = Math.floor(at / every);
        const isChanged = current !== version;
        version = current;
        const sent = headBytes + (isChanged ? size : 0);
        if (second < warmUp) continue;
        requests[second] = (requests[second] ?? 0) + 1;
        bytes[second] = (bytes[second] ?? 0) + sent;
        total.requests++;
        total.bytes += sent;
        if (isChanged) {
          const delay = at - current * every;
          total.changed++;
          total.delay += delay;
          total.lastDelay = Math.max(total.lastDelay, delay);
        } else total.unchanged++;
      }
    }
  }
  const counted = duration - warmUp;
  return {
    meanRequests: total.requests / counted,
    peakRequests: requests.reduce((most, one) => Math.max(most, one), 0),
    unchanged: total.unchanged / total.requests,
    meanBytes: total.bytes / counted,
    peakBytes: bytes.reduce((most, one) => Math.max(most, one), 0),
    meanDelay: total.delay / Math.max(1, total.changed),
    lastDelay: total.lastDelay,
  };
}

function delayOf(at: number, every: number, { maxAge, jitter }: Fleet, random: () => number): number {
  // A CRL is current for twice the time until the next one, as is usual.
  const nextUpdate = new Date((Math.floor(at / every) + 2) * every * 1000);
  const input = { refreshMs: undefined, maxAgeMs: maxAge * 1000, crl: { nextUpdate }, now: at * 1000 };
  return refreshDelayMs(input, jitter ? random : () => 1) / 1000;
}

const megabyte = 1_000_000;
/** A million entries in DER, and a delta of a hundred. */
const large = { fullBytes: 38 * megabyte, deltaBytes: 4500 };
const hourly = { startsWithin: 60, fullEvery: 3600, maxAge: 300 };

const scenarios: readonly (readonly [string, Omit<Fleet, 'processes'>])[] = [
  [
    '100 entries, no jitter',
    { ...hourly, fullBytes: 4500, deltaBytes: 0, deltaEvery: undefined, jitter: false },
  ],
  ['100 entries', { ...hourly, fullBytes: 4500, deltaBytes: 0, deltaEvery: undefined, jitter: true }],
  ['1,000,000 entries, every hour', { ...hourly, ...large, deltaEvery: undefined, jitter: true }],
  [
    '1,000,000 entries, every 5 minutes',
    { ...hourly, ...large, fullEvery: 300, maxAge: 60, deltaEvery: undefined, jitter: true },
  ],
  [
    '1,000,000 entries every hour, deltas every minute',
    { ...hourly, ...large, maxAge: 60, deltaEvery: 60, jitter: true },
  ],
];

function print(): void {
  const number = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 });
  for (const processes of [1000, 100_000])
    for (const [name, fleet] of scenarios) {
      const load = simulate({ ...fleet, processes });
      const cells = [
        number.format(processes),
        name,
        number.format(load.meanRequests),
        number.format(load.peakRequests),
        `${number.format(load.unchanged * 100)} %`,
        number.format(load.meanBytes / megabyte),
        number.format(load.peakBytes / megabyte),
        `${number.format(load.meanDelay)} s, ${number.format(load.lastDelay)} s`,
      ];
      console.log(`| ${cells.join(' | ')} |`);
    }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) print();
