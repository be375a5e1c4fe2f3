/**
 * A server whose handlers block the event loop, in a separate process. It counts the requests that reach a handler.
 *
 * @module
 */
import type { AddressInfo } from 'node:net';
import { createServer, type MtlsServer } from 'express-mtls';
import { WebSocketServer } from 'ws';
import { answerCalls } from '../harness/calls.js';
import { machineTime } from '../harness/clock.js';
import type { ServerFiles } from '../harness/material.js';

/** The requests and WebSocket messages that reached a handler. */
export interface Handled {
  readonly count: number;
  /** How many reached it while the CRL that lists their client was in force. */
  readonly afterCommit: number;
  /** When a handler had finished the first and the last of them, by `machineTime()`. */
  readonly firstAt: number;
  readonly lastAt: number;
}

let server: MtlsServer | undefined;
let handleMs = 0;
let count = 0;
let afterCommit = 0;
let firstAt = 0;
let lastAt = 0;

const calls = {
  /**
   * Starts, and returns the port.
   * @param files - Their CRL has no entries: any entry means that the next one is in force.
   * @param eachMs - How long a handler blocks the event loop for each request and each message.
   */
  async listen({ crl = '', ...files }: ServerFiles, eachMs: number): Promise<number> {
    handleMs = eachMs;
    const made = await createServer({ ...files, crl }, (_req, res) => {
      compute();
      res.end('ok');
      done();
    });
    server = made;
    new WebSocketServer({ server: made }).on('connection', (socket) => {
      // A client that ends appears as ECONNRESET here.
      socket.on('error', () => {});
      socket.on('message', () => {
        compute();
        done();
      });
    });
    await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve));
    return (made.address() as AddressInfo).port;
  },

  /** Call this when the load is over: a busy event loop may take minutes to answer. */
  handled(): Handled {
    return { count, afterCommit, firstAt, lastAt };
  },
};

export type BusyServerCalls = typeof calls;

answerCalls(calls);

function compute(): void {
  if (server?.mtls.revocation.crls[0]?.entries !== 0) afterCommit++;
  const end = performance.now() + handleMs;
  while (performance.now() < end);
}

function done(): void {
  lastAt = machineTime();
  if (count++ === 0) firstAt = lastAt;
}
