/**
 * Keeps handshakes that do not come to an end from filling the memory: they have
 * a time, and there may be so many of them.
 *
 * @module
 */
import { randomInt } from 'node:crypto';
import { Socket } from 'node:net';
import type { Server, TLSSocket } from 'node:tls';
import { type Limits } from '../limits.js';
import { type Reporter } from './events.js';

// A handshake takes milliseconds. One that has taken this long is not being made.
const stalledMs = 1000;

// To go through a million places for one would take longer than a handshake.
const mostLookedAt = 1000;

interface Pending {
  readonly socket: Socket;
  /** By performance.now(). */
  readonly since: number;
}

/** Ends handshakes that take too long, and where there are too many, one of them for each that comes. */
export class HandshakeLimit {
  readonly #limits: Limits;
  readonly #reporter: Reporter;
  /** By the two ends of the connection, the oldest first. */
  readonly #pending = new Map<string, Pending>();
  #dropped = 0;
  #report: NodeJS.Timeout | undefined;

  constructor(limits: Limits, reporter: Reporter) {
    this.#limits = limits;
    this.#reporter = reporter;
  }

  /** Watches every connection that a server accepts from now on. */
  guard(server: Server): void {
    server.on('connection', (socket: Socket) => {
      this.#begin(socket);
    });
    server.on('secureConnection', (socket: TLSSocket) => {
      const key = keyOf(socket);
      if (key !== undefined) this.#pending.delete(key);
    });
  }

  /** Writes what of the log is still to be written. */
  flushLog(): void {
    clearTimeout(this.#report);
    this.#report = undefined;
    const dropped = this.#dropped;
    this.#dropped = 0;
    if (dropped === 0) return;
    this.#reporter.log(
      'warn',
      { event: 'handshakes-dropped', dropped, limit: this.#limits.pendingHandshakes },
      `${dropped} handshakes dropped within a minute: more than ${this.#limits.pendingHandshakes} at once`,
    );
  }

  #begin(socket: Socket): void {
    const key = keyOf(socket);
    if (key === undefined || !isPlain(socket)) return;
    if (this.#pending.size >= this.#limits.pendingHandshakes) this.#drop();
    this.#pending.set(key, { socket, since: performance.now() });
    // A timer of its own: a server made elsewhere has the two minutes of node:tls.
    const limit = setTimeout(() => {
      if (this.#pending.get(key)?.socket === socket) socket.destroy();
    }, this.#limits.handshakeTimeoutMs);
    limit.unref();
    socket.once('close', () => {
      clearTimeout(limit);
      if (this.#pending.get(key)?.socket === socket) this.#pending.delete(key);
    });
  }

  /**
   * Who holds a place without using it goes. Where all are new it is one of them by chance: nobody can know which
   * are being made, and neither the first nor the last to come can keep all others out.
   */
  #drop(): void {
    this.#dropped++;
    this.#report ??= setTimeout(() => {
      this.flushLog();
    }, 60_000).unref();
    const [oldest] = this.#pending.values();
    const isStalled = oldest !== undefined && performance.now() - oldest.since >= stalledMs;
    const victim = this.#at(isStalled ? 0 : randomInt(Math.min(this.#pending.size, mostLookedAt)));
    if (victim === undefined) return;
    this.#pending.delete(victim[0]);
    victim[1].socket.destroy();
  }

  #at(place: number): readonly [string, Pending] | undefined {
    let left = place;
    for (const entry of this.#pending) if (left-- === 0) return entry;
    return undefined;
  }
}

/**
 * Whether its ends are what node:tls will see of it. A proxy protocol puts others on it; another Duplex has what its
 * maker gave it; and of a Unix socket there are none. For all of these there is the timer of node:tls.
 */
function isPlain(socket: Socket): boolean {
  return socket instanceof Socket && ends.every((name) => !Object.hasOwn(socket, name));
}

const ends = ['remoteAddress', 'remotePort', 'localAddress', 'localPort'];

/** What node:tls makes of a socket is another object, with the same two ends. */
function keyOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string | undefined {
  if (remoteAddress === undefined || remotePort === undefined) return undefined;
  return `${remoteAddress} ${remotePort} ${localAddress ?? ''} ${localPort ?? ''}`;
}
