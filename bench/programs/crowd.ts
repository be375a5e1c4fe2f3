/**
 * A protected server with more connections than a machine can open to itself. The gate, the certificates, the CRLs
 * and the checks are real; a socket is an object that behaves like node:tls.
 *
 * @module
 */
import { EventEmitter } from 'node:events';
import { readFileSync } from 'node:fs';
import tls from 'node:tls';
import { type Mtls, protect, type ReloadReport } from 'express-mtls';
import { tlsSession } from '../../test/support/tls-session.js';
import { answerCalls } from '../harness/calls.js';
import type { ServerFiles } from '../harness/material.js';
import { type Stalls, StallProbe } from './stall-probe.js';

/** The part of a `tls.TLSSocket` that the gate uses. */
class StandInSocket extends EventEmitter {
  readonly authorized: boolean = true;
  readonly authorizationError: null = null;
  readonly remoteAddress: string = '127.0.0.1';
  destroyed: boolean = false;
  readonly #session: Buffer;

  constructor(session: Buffer) {
    super();
    this.#session = session;
  }

  /** The gate clears the buffer. */
  getSession(): Buffer {
    return Buffer.from(this.#session);
  }

  getProtocol(): string {
    return 'TLSv1.3';
  }

  isSessionReused(): boolean {
    return false;
  }

  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    setImmediate(() => this.emit('close'));
  }
}

let mtls: Mtls | undefined;
const calls = {
  /** Opens `each` connections for every certificate, and returns their number. */
  async open(files: ServerFiles, certificates: readonly Uint8Array[], each: number): Promise<number> {
    const { key, cert, ca, crl } = files;
    // A TLS server has no HTTP parser, which would need more of a socket.
    const server = tls.createServer({
      key: readFileSync(key),
      cert: readFileSync(cert),
      requestCert: true,
      rejectUnauthorized: false,
    });
    mtls = await protect(server, { key, cert, ca, ...(crl === undefined ? {} : { crl }), watch: false });
    for (const der of certificates) {
      const session = tlsSession(Buffer.from(der));
      for (let count = 0; count < each; count++)
        server.emit('secureConnection', new StandInSocket(session) as unknown as tls.TLSSocket);
    }
    return [...mtls.connections].length;
  },

  async reload(): Promise<{ report: ReloadReport; stalls: Stalls }> {
    if (mtls === undefined) throw new Error('nothing is open');
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 200));
    const probe = new StallProbe();
    await new Promise((resolve) => setTimeout(resolve, 50));
    const report = await mtls.reload();
    await new Promise((resolve) => setTimeout(resolve, 200));
    return { report, stalls: probe.stop() };
  },
};

export type CrowdCalls = typeof calls;

answerCalls(calls);
