/**
 * Limits the duration and the number of pending handshakes, so that they cannot exhaust the memory.
 *
 * @module
 */
import { randomInt } from 'node:crypto';
import { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { type EventSink } from '../logger.js';
import { type GateNotices } from './events.js';
import { type Limits } from './settings.js';

// A handshake takes milliseconds. One that has taken this long is stalled.
const stalledMs = 1000;

// How often the pending handshakes are determined.
const sweepMs = 1000;

const fewestReleased = 16;

interface Pending {
  readonly socket: Socket;
  /** By performance.now(). */
  readonly since: number;
}

/**
 * Closes connections whose handshake takes too long and, if there are too many, one for each new connection.
 *
 * node:tls reports the end of a handshake on another socket object, which can only be matched by its addresses. To
 * read an address takes a system call, so this is only done for connections that are open when they are sorted: once
 * a second, and when there are many.
 */
export class HandshakeLimit {
  readonly #limits: Limits;
  readonly #sink: EventSink<GateNotices>;
  /** The connections accepted since the last sorting, and when. */
  readonly #accepted = new Map<Socket, number>();
  /** The sockets whose handshake was completed since then. */
  #done: TLSSocket[] = [];
  /**
   * The connections whose handshake was pending at the last sorting, by the client's address and port, the oldest
   * first.
   */
  readonly #pending = new Map<string, Pending>();
  /** The number of accepted connections at which closed ones are dropped. */
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

  /** The handshake of a socket is complete. */
  end(socket: TLSSocket): void {
    const key = this.#pending.size > 0 ? clientEndOf(socket) : undefined;
    const wasPending = key !== undefined && this.#pending.delete(key);
    if (!wasPending && this.#accepted.size > 0) this.#done.push(socket);
  }

  /** Writes pending log lines, and stops the timer if no handshake is pending. */
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

  /** Short connections that are kept for a second would be moved to the old generation of the heap. */
  #dropClosed(): void {
    for (const socket of this.#accepted.keys()) if (socket.destroyed) this.#accepted.delete(socket);
    this.#done = this.#done.filter(({ destroyed }) => !destroyed);
    this.#release = 2 * Math.max(this.#accepted.size, fewestReleased);
  }

  /** Determines which of the accepted connections are still in their handshake. */
  #sort(): void {
    for (const [key, { socket }] of this.#pending) if (socket.destroyed) this.#pending.delete(key);
    // Two connections from one client port to two server addresses count as one: too rare to justify a system call.
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

  /** One timer for all, because a server that was passed to protect() has the two-minute timeout of node:tls. */
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
   * Drops one connection: the oldest if it is stalled, otherwise a random one, so that neither early nor late
   * connections can exclude all others.
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

// Iterating over a million entries would take longer than a handshake.
const mostLookedAt = 1000;

/**
 * Whether node:tls will report the same addresses. They differ with a PROXY protocol implementation or another
 * Duplex, and a Unix socket has none. For these, the timeout of node:tls applies.
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
