/**
 * A server whose handlers hold the event loop, in a process of its own; it counts what reaches them.
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
  /** How many of them did so while the CRL that lists their client was in force. */
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
   * Starts, and answers the port.
   * @param files - Their CRL has no entries: any entry means that the next one is in force.
   * @param eachMs - How long a handler holds the event loop for each request and each message.
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
      // ECONNRESET is how the end of a client looks from here.
      socket.on('error', () => {});
      socket.on('message', () => {
        compute();
        done();
      });
    });
    await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve));
    return (made.address() as AddressInfo).port;
  },

  /** To be called when the load is over: a busy event loop may answer it minutes later. */
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
