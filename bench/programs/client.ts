/**
 * The clients, in a separate process.
 *
 * @module
 */
import { answerCalls } from '../harness/calls.js';
import type { ClientCredentials } from '../harness/material.js';
import { BusyConnections, type Sending } from '../load/busy-connections.js';
import { makeHandshakes, makeHandshakesAs, makeRefused } from '../load/handshakes.js';
import { HeldConnections } from '../load/held-connections.js';
import type { Target } from '../load/keep-alive-connection.js';
import { askUntilRefused, connectUntilRefused, isRefused, RequestLoad } from '../load/requests.js';

const loads = new Map<number, RequestLoad>();
let held: HeldConnections | undefined;
let busy: BusyConnections | undefined;

const calls = {
  makeHandshakes,
  makeHandshakesAs,
  makeRefused,
  isRefused,
  askUntilRefused,
  connectUntilRefused,

  /** Opens connections to a server for the calls below; one load per port. */
  async openLoad(target: Target, connections: number): Promise<void> {
    loads.set(target.port, await RequestLoad.open(target, connections));
  },
  async makeRequests(port: number, count: number): Promise<void> {
    await loads.get(port)?.make(count);
  },
  /** Sends one request for each certificate, as a proxy that forwards it. */
  async forwardCertificates(port: number, certificates: readonly string[]): Promise<void> {
    await loads.get(port)?.forward(certificates);
  },
  /** Sends requests one after the other, and returns their durations in milliseconds. */
  async timeRequests(port: number, count: number): Promise<number[]> {
    return (await loads.get(port)?.time(count)) ?? [];
  },
  startLoad(port: number, pauseMs: number): void {
    loads.get(port)?.start(pauseMs);
  },
  async stopLoad(port: number): Promise<{ answered: number; failed: number; slowestMs: number }> {
    const load = loads.get(port);
    if (load === undefined) throw new Error('there is no load');
    loads.delete(port);
    return await load.stop();
  },

  async holdConnections(port: number, clients: readonly ClientCredentials[]): Promise<void> {
    held = await HeldConnections.open(port, clients);
  },
  async heldAreClosed(limitMs: number): Promise<number[]> {
    if (held === undefined) throw new Error('nothing is held');
    return await held.closed(limitMs);
  },

  /** Opens connections that will keep a server busy. */
  async openBusy(target: Target, connections: number, sending: Sending): Promise<void> {
    busy = await BusyConnections.open(target, connections, sending);
  },
  beginBusy(): void {
    busy?.begin();
  },
  /** Waits until the server has closed all of them, and returns the time of the last close. */
  async busyAreClosed(limitMs: number): Promise<number> {
    if (busy === undefined) throw new Error('nothing is open');
    return await busy.closed(limitMs);
  },
};

export type ClientCalls = typeof calls;

answerCalls(calls);
