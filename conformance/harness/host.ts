/**
 * A process for servers in Node: a client that stops one stops this process, and not the suite.
 *
 * @module
 */
import { answerCalls } from '../../bench/harness/calls.js';
import { adapters } from '../adapters/index.js';
import type { Material, RunningServer } from '../adapter.js';

const running = new Map<number, RunningServer>();
let lastId = 0;

const functions = {
  start: async (name: string, material: Material) => {
    const adapter = adapters.find((one) => one.name === name);
    if (adapter === undefined) throw new Error(`there is no ${name}`);
    const server = await adapter.start(material);
    const id = ++lastId;
    running.set(id, server);
    return { id, port: server.port, configuration: server.configuration, pid: process.pid };
  },
  reload: async (id: number, material: Material) => {
    await running.get(id)?.reload(material);
  },
  stop: async (id: number) => {
    await running.get(id)?.stop();
    running.delete(id);
  },
};

/** The functions of the process. */
export type Host = typeof functions;

answerCalls(functions);
// A worker of node:cluster loses what it is sent before this.
process.send?.({ id: 0, result: 'ready' });
