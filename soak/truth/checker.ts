/**
 * Compares the clients' observations with the expected standing.
 *
 * @module
 */
import { type ConnectionKind, connectionKinds, graceMs, isProxied } from '../plan.js';
import type { Observation, Served } from './observation.js';
import type { Lateness, Standing } from './standing.js';

/** The observations in numbers. */
export interface Counts {
  served: number;
  /** Requests that failed as expected. */
  turnedAway: number;
  lost: number;
  late: number;
  /** Connections of clients in good standing that ended. */
  dropped: number;
  /** Answers addressed to another client. */
  mistaken: number;
  readonly servedByKind: Record<ConnectionKind, number>;
  /** New connections with a session: how many resumed it. */
  resumed: number;
  notResumed: number;
}

/** The changes around a given time. */
export type Circumstances = (at: number) => string;

/** Knows the expected standing of every client, and checks observations against it. */
export class Checker {
  readonly counts: Counts = {
    served: 0,
    turnedAway: 0,
    lost: 0,
    late: 0,
    dropped: 0,
    mistaken: 0,
    servedByKind: Object.fromEntries(connectionKinds.map((kind) => [kind, 0])) as Counts['servedByKind'],
    resumed: 0,
    notResumed: 0,
  };
  /** One sentence each. */
  readonly failures: string[] = [];
  /** The serial numbers of the server certificates that new connections received. */
  readonly serverSerials = new Set<string>();
  readonly #standings = new Map<number, Standing>();
  readonly #circumstances: Circumstances;
  #past: Lateness[] = [];

  constructor(circumstances: Circumstances) {
    this.#circumstances = circumstances;
  }

  enrol(client: number, standing: Standing): void {
    this.#standings.set(client, standing);
  }

  /** Forgets a client that has stopped, except how late it was cut off. */
  dismiss(client: number, at: number): void {
    this.#past.push(...(this.#standings.get(client)?.lateness(at) ?? []));
    this.#standings.delete(client);
  }

  /** How late each affected client was cut off, as of `at`. */
  lateness(at: number): Lateness[] {
    return [...this.#past, ...[...this.#standings.values()].flatMap((standing) => standing.lateness(at))];
  }

  see(observation: Observation): void {
    const standing = this.#standings.get(observation.client);
    // The client was dismissed while a request was in progress.
    if (standing === undefined) return;
    switch (observation.outcome) {
      case 'served':
        this.#seeServed(observation, standing);
        return;
      case 'turned away':
        if (!standing.isLoss(observation.from, observation.to)) {
          this.counts.turnedAway++;
          return;
        }
        this.counts.lost++;
        this.#fail(observation.to, `lost a good request of ${describe(standing)}: ${observation.why}`);
        return;
      case 'ended':
        standing.noteEnd(observation.to);
        if (!standing.isLoss(observation.from, observation.to)) return;
        this.counts.dropped++;
        this.#fail(observation.to, `ended the connection of ${describe(standing)}, who is in good standing`);
    }
  }

  #seeServed({ at, by, resumed, serverSerial }: Served, standing: Standing): void {
    this.counts.served++;
    this.counts.servedByKind[standing.kind]++;
    // nginx keeps its certificate.
    if (serverSerial !== undefined && !isProxied(standing.kind)) this.serverSerials.add(serverSerial);
    if (resumed !== undefined) this.counts[resumed ? 'resumed' : 'notResumed']++;
    if (by !== standing.name) {
      this.counts.mistaken++;
      this.#fail(at, `took ${describe(standing)} for ${by}`);
    }
    if (!standing.isLate(at)) return;
    this.counts.late++;
    this.#fail(at, `answered ${describe(standing)} more than ${graceMs} ms after it had to be out`);
  }

  #fail(at: number, what: string): void {
    this.failures.push(`${what} (${this.#circumstances(at)})`);
  }
}

function describe({ name, role, kind }: Standing): string {
  return `${name} (${role}, ${kind})`;
}
