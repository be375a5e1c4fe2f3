/**
 * A server whose handlers block the event loop, in a separate process. It counts what reaches a handler.
 *
 * @module
 */
import type { AddressInfo } from 'node:net';
import { getPriority, setPriority } from 'node:os';
import { createServer, type MtlsServer } from 'express-mtls';
import { WebSocketServer } from 'ws';
import { answerCalls } from '../../bench/harness/calls.js';
import { machineTime } from '../../bench/harness/clock.js';
import type { ServerFiles } from '../server-files.js';

/** The requests and messages that reached a handler since the last `begin`. */
export interface Handled {
  readonly count: number;
  /** How many reached it while the CRL that lists their client was in force. */
  readonly afterCommit: number;
  /** When a handler had finished the first and the last of them, by `machineTime()`; 0 if there was none. */
  readonly firstAt: number;
  readonly lastAt: number;
}

// It takes all that it gets. On two cores, the server under test and its loading thread come first.
setPriority(getPriority() + 10);

const ignore = (): void => undefined;
const logger = { info: ignore, warn: ignore, error: ignore };

let server: MtlsServer | undefined;
let issuer = '';
let entries = 0;
let handleMs = 0;
let handled: { -readonly [Name in keyof Handled]: Handled[Name] } = nothing();

const calls = {
  /**
   * Starts, and returns the port.
   * @param issuedBy - The CA of the clients that overload it.
   */
  async listen(files: ServerFiles, issuedBy: string): Promise<number> {
    issuer = issuedBy;
    const made = await createServer({ ...files, logger }, (_req, res) => {
      compute();
      res.end('ok');
      done();
    });
    server = made;
    new WebSocketServer({ server: made }).on('connection', (socket) => {
      // A client that ends appears as ECONNRESET here.
      socket.on('error', ignore);
      socket.on('message', () => {
        compute();
        done();
      });
    });
    await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve));
    return (made.address() as AddressInfo).port;
  },

  /** Counts from now on. A handler blocks the event loop for `eachMs` at each request and each message. */
  begin(eachMs: number): void {
    handled = nothing();
    handleMs = eachMs;
    entries = entriesInForce();
  },

  /** Call this when the load is over: a busy event loop answers late. */
  handled(): Handled {
    return handled;
  },
};

export type OverloadedServerCalls = typeof calls;

answerCalls(calls);

function nothing(): typeof handled {
  return { count: 0, afterCommit: 0, firstAt: 0, lastAt: 0 };
}

function compute(): void {
  if (entriesInForce() !== entries) handled.afterCommit++;
  const end = performance.now() + handleMs;
  while (performance.now() < end);
}

function done(): void {
  handled.lastAt = machineTime();
  if (handled.count++ === 0) handled.firstAt = handled.lastAt;
}

/** The number of clients on the CRL of the CA that issues them. */
function entriesInForce(): number {
  const crl = server?.mtls.revocation.crls.find((each) => String(each.issuer) === issuer);
  return crl?.entries ?? 0;
}
