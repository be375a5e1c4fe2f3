/**
 * All clients, in one separate process.
 *
 * @module
 */
import { getPriority, setPriority } from 'node:os';
import { answerCalls } from '../../bench/harness/calls.js';
import { Customer, type CustomerPlan } from '../clients/customer.js';
import type { Observation } from '../truth/observation.js';

// The clients must not take the cores from the server under test and its loading threads.
setPriority(getPriority() + 5);

const customers = new Map<number, Customer>();
let observations: Observation[] = [];

const calls = {
  start(plan: CustomerPlan): void {
    const customer = new Customer(plan, (observation) => observations.push(observation));
    customers.set(plan.id, customer);
    void customer.run();
  },

  stop(id: number): void {
    customers.get(id)?.leave();
    customers.delete(id);
  },

  stopAll(): void {
    for (const customer of customers.values()) customer.leave();
    customers.clear();
  },

  /** The observations since the last call. */
  take(): Observation[] {
    const taken = observations;
    observations = [];
    return taken;
  },
};

export type ClientsCalls = typeof calls;

answerCalls(calls);
