/**
 * Keeps handshakes that do not come to an end from filling the memory: they have
 * a time, and there may be so many of them.
 *
 * @module
 */
import { randomInt } from 'node:crypto';
import { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { type EventSink } from '../logger.js';
import { type GateNotices } from './events.js';
import { type Limits } from './settings.js';

// A handshake takes milliseconds. One that has taken this long is not being made.
const stalledMs = 1000;

// How often it is asked which handshakes are still under way.
const sweepMs = 1000;

const fewestReleased = 16;

interface Pending {
  readonly socket: Socket;
  /** By performance.now(). */
  readonly since: number;
}

/**
 * Ends handshakes that take too long, and where there are too many, one of them for each that comes.
 *
 * What node:tls makes of a connection is another object, with the same two ends; to ask for an end takes a system
 * call, which every client would pay for. So it is asked of the connections alone that are open when they are sorted:
 * once a second, and when there are many.
 */
export class HandshakeLimit {
  readonly #limits: Limits;
  readonly #sink: EventSink<GateNotices>;
  /** Accepted since they were last sorted, and when. */
  readonly #accepted = new Map<Socket, number>();
  /** Those whose handshake was done since then. */
  #done: TLSSocket[] = [];
  /** Those whose handshake was not done when they were sorted, by the client's end, the oldest first. */
  readonly #pending = new Map<string, Pending>();
  /** With how many accepted ones those that are closed are let go. */
  #release = 2 * fewestReleased;
  #sweep: NodeJS.Timeout | undefined;
  #dropped = 0;
  #report: NodeJS.Timeout | undefined;

  constructor(limits: Limits, sink: EventSink<GateNotices>) {
    this.#limits = limits;
    this.#sink = sink;
  }

  /** The server accepted a connection. */
  begin(socket: Socket): void {
    if (this.#accepted.size + this.#pending.size >= this.#limits.pendingHandshakes) this.#makeRoom();
    this.#accepted.set(socket, performance.now());
    if (this.#accepted.size >= this.#release) this.#dropClosed();
    this.#arm();
  }

  /** The handshake of a socket is done. */
  end(socket: TLSSocket): void {
    const key = this.#pending.size > 0 ? clientEndOf(socket) : undefined;
    const wasPending = key !== undefined && this.#pending.delete(key);
    if (!wasPending && this.#accepted.size > 0) this.#done.push(socket);
  }

  /** Writes what of the log is still to be written. Where no handshake is under way, nothing is waited for. */
  rest(): void {
    this.#flushLog();
    this.#sort();
    if (this.#pending.size > 0) return;
    clearTimeout(this.#sweep);
    this.#sweep = undefined;
  }

  #flushLog(): void {
    clearTimeout(this.#report);
    this.#report = undefined;
    const dropped = this.#dropped;
    this.#dropped = 0;
    if (dropped === 0) return;
    this.#sink.emit('handshakes-dropped', { dropped, limit: this.#limits.pendingHandshakes });
  }

  /** Short connections that are kept for a whole second would outlive the young garbage, and be moved about by it. */
  #dropClosed(): void {
    for (const socket of this.#accepted.keys()) if (socket.destroyed) this.#accepted.delete(socket);
    this.#done = this.#done.filter(({ destroyed }) => !destroyed);
    this.#release = 2 * Math.max(this.#accepted.size, fewestReleased);
  }

  /** Finds out which of the accepted connections are still in their handshake. */
  #sort(): void {
    for (const [key, { socket }] of this.#pending) if (socket.destroyed) this.#pending.delete(key);
    // One client's end with two of the server's is one place: rare, and worth no system call.
    const done = new Set(this.#done.filter(({ destroyed }) => !destroyed).map(clientEndOf));
    for (const [socket, since] of this.#accepted) {
      if (socket.destroyed || !isPlain(socket)) continue;
      const key = clientEndOf(socket);
      if (key !== undefined && !done.has(key)) this.#pending.set(key, { socket, since });
    }
    this.#accepted.clear();
    this.#done = [];
    this.#release = 2 * fewestReleased;
  }

  /** One timer for all. A server made elsewhere has the two minutes of node:tls. */
  #arm(): void {
    const { handshakeTimeoutMs } = this.#limits;
    this.#sweep ??= setTimeout(
      () => {
        this.#sweep = undefined;
        this.#sort();
        const latest = performance.now() - handshakeTimeoutMs;
        for (const [key, { socket, since }] of this.#pending) {
          if (since > latest) break;
          this.#pending.delete(key);
          socket.destroy();
        }
        if (this.#pending.size > 0) this.#arm();
      },
      Math.min(sweepMs, handshakeTimeoutMs),
    ).unref();
  }

  /**
   * Drops one: the oldest, if it stalls. Where all are new it is one of them by chance: nothing tells which are being
   * made, and neither the first nor the last to come can keep all others out.
   */
  #makeRoom(): void {
    this.#sort();
    if (this.#pending.size < this.#limits.pendingHandshakes) return;
    this.#dropped++;
    this.#report ??= setTimeout(() => {
      this.#flushLog();
    }, 60_000).unref();
    const [oldest] = this.#pending.values();
    const isStalled = oldest !== undefined && performance.now() - oldest.since >= stalledMs;
    const victim = this.#at(isStalled ? 0 : randomInt(Math.min(this.#pending.size, mostLookedAt)));
    if (victim === undefined) return;
    const [key, { socket }] = victim;
    this.#pending.delete(key);
    socket.destroy();
  }

  #at(place: number): readonly [string, Pending] | undefined {
    let left = place;
    for (const entry of this.#pending) if (left-- === 0) return entry;
    return undefined;
  }
}

// To go through a million places for one would take longer than a handshake.
const mostLookedAt = 1000;

/**
 * Whether its ends are what node:tls will see of it. A proxy protocol puts others on it; another Duplex has what its
 * maker gave it; and of a Unix socket there are none. For all of these there is the timer of node:tls.
 */
function isPlain(socket: Socket): boolean {
  return socket instanceof Socket && ends.every((name) => !Object.hasOwn(socket, name));
}

const ends = ['remoteAddress', 'remotePort', 'localAddress', 'localPort'];

function clientEndOf({ remoteAddress, remotePort }: Socket): string | undefined {
  return remoteAddress === undefined || remotePort === undefined
    ? undefined
    : `${remoteAddress} ${remotePort}`;
}
