/**
 * All benchmarks by name, in the order in which they run.
 *
 * @module
 */
import { benchBesideNode } from './beside-node.js';
import { benchBusyClients } from './busy-clients.js';
import { benchEviction } from './eviction.js';
import { benchFleet } from './fleet.js';
import { benchFirstSight } from './first-sight.js';
import { benchForwarded } from './forwarded.js';
import { benchHandshakeCost } from './handshake-cost.js';
import type { Benchmark } from './harness/context.js';
import { benchJudging } from './judging.js';
import { benchMemory } from './memory.js';
import { benchPaths } from './paths.js';
import { benchReload } from './reload.js';
import { benchRequestCost } from './request-cost.js';
import { benchResumption } from './resumption.js';
import { benchTenMillion } from './ten-million.js';

export const benchmarks: Readonly<Record<string, Benchmark>> = {
  handshake: benchHandshakeCost,
  'beside-node': benchBesideNode,
  paths: benchPaths,
  resumption: benchResumption,
  reload: benchReload,
  memory: benchMemory,
  request: benchRequestCost,
  forwarded: benchForwarded,
  'first-sight': benchFirstSight,
  eviction: benchEviction,
  'busy-clients': benchBusyClients,
  judging: benchJudging,
  'ten-million': benchTenMillion,
  fleet: benchFleet,
};
