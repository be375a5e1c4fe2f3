/**
 * This package in two workers of `node:cluster` that share a port. Each worker reads the files itself.
 *
 * @module
 */
import cluster from 'node:cluster';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Child } from '../../bench/harness/child.js';
import { freePort } from '../../test/support/ports.js';
import type { Adapter, Material } from '../adapter.js';
import type { Host } from '../harness/host.js';
import { expressMtls } from './express-mtls.js';
import { sourceOf } from './node-server.js';

type Worker = Child<Host>;

export const expressMtlsCluster: Adapter = {
  ...expressMtls,
  name: 'express-mtls-cluster',
  title: 'createServer() in two workers of node:cluster',
  start: async (material) => {
    const port = Number(await freePort());
    const started = await startIn(await workersOf(), { ...material, port });
    return {
      port,
      configuration: sourceOf(import.meta.url),
      pid: process.pid,
      // Each worker reads its files when they change.
      reload: () => undefined,
      stop: async () => {
        for (const { worker, id } of started) await worker.call('stop', id).catch(() => undefined);
      },
    };
  },
};

let workers: Promise<readonly Worker[]> | undefined;

/** The workers, which run several servers, as starting them takes long; new ones if one has ended. */
function workersOf(): Promise<readonly Worker[]> {
  workers ??= forkWorkers();
  return workers;
}

async function forkWorkers(): Promise<readonly Worker[]> {
  const exec = fileURLToPath(new URL('../harness/host.ts', import.meta.url));
  cluster.setupPrimary({ exec, serialization: 'advanced' });
  const forked = [1, 2].map(() => cluster.fork().process);
  const all = forked.map((each) => new Child<Host>(each));
  for (const each of forked) each.once('exit', () => (workers = undefined));
  await Promise.all(forked.map((each) => once(each, 'message')));
  return all;
}

/** Starts the server in each worker, or in none. */
async function startIn(
  all: readonly Worker[],
  material: Material,
): Promise<readonly { readonly worker: Worker; readonly id: number }[]> {
  const started: { worker: Worker; id: number }[] = [];
  try {
    for (const worker of all) {
      const { id } = await worker.call('start', expressMtls.name, material);
      started.push({ worker, id });
    }
    return started;
  } catch (error) {
    for (const { worker, id } of started) await worker.call('stop', id);
    throw error;
  }
}
