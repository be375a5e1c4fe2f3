/**
 * Keeps handshakes that do not come to an end from filling the memory: they have
 * a time, and there may be so many of them.
 *
 * @module
 */
import { randomInt } from 'node:crypto';
import type { Socket } from 'node:net';
import type { Server, TLSSocket } from 'node:tls';
import { type Limits } from '../limits.js';
import { type Reporter } from './events.js';

// A handshake takes milliseconds. One that has taken this long is not being made.
const stalledMs = 1000;

interface Pending {
  readonly socket: Socket;
  /** By performance.now(). */
  readonly since: number;
}

/** Ends handshakes that take too long, and where there are too many, one of them for each that comes. */
export class HandshakeLimit {
  readonly #limits: Limits;
  readonly #reporter: Reporter;
  /** By their client's address and port, the oldest first. */
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
      this.#pending.delete(keyOf(socket));
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
    if (this.#pending.size >= this.#limits.pendingHandshakes) this.#drop();
    this.#pending.set(key, { socket, since: performance.now() });
    // A timer of its own: a server made elsewhere has the two minutes of node:tls.
    const limit = setTimeout(() => {
      if (this.#pending.has(key)) socket.destroy();
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
    const [[, oldest] = []] = this.#pending;
    const isStalled = oldest !== undefined && performance.now() - oldest.since >= stalledMs;
    const place = isStalled ? 0 : randomInt(this.#pending.size);
    const [key, { socket }] = [...this.#pending][place] as [string, Pending];
    this.#pending.delete(key);
    socket.destroy();
  }
}

/** What node:tls makes of a socket is another object, with the same peer. */
function keyOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress ?? ''} ${remotePort ?? ''}`;
}
