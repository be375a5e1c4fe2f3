/**
 * Runs checks against servers.
 *
 * @module
 */
import type { Adapter } from './adapter.js';
import { type Check, Failure } from './check.js';
import { measureCosts } from './costs.js';
import { startBackend } from './harness/app.js';
import { isolate } from './harness/isolated.js';
import { type Limits, Stage } from './harness/stage.js';
import { within } from './harness/waiting.js';
import type { CheckResult, Cost, ServerResult } from './result.js';

export interface RunOptions {
  readonly checks: readonly Check[];
  readonly limits?: Limits;
  /** How many checks run at once, each with a server of its own. @defaultValue `8` */
  readonly concurrency?: number;
  /** How often a check is tried before it counts as failed. @defaultValue `2` */
  readonly attempts?: number;
  /** Whether servers in Node get a process of their own. @defaultValue `true` */
  readonly isolated?: boolean;
  readonly progress?: (result: CheckResult, done: number) => void;
}

const defaultLimits: Limits = { patienceMs: 5000, settleMs: 2500, stallMs: 30_000 };

// No check takes as long; without a limit a fault would hang the run.
const checkLimitMs = 90_000;
const closeLimitMs = 15_000;

/** Runs the checks against one server. */
export async function testServer(adapter: Adapter, options: RunOptions): Promise<ServerResult> {
  const { isolated = true, limits = defaultLimits } = options;
  return await onStages(adapter, isolated, limits, async (newStage, stages) => {
    const results = await runChecks(newStage, options);
    const { name, title } = adapter;
    const configuration = stages.find((stage) => stage.configuration !== undefined)?.configuration ?? '';
    return { name, title, version: adapter.version() ?? '', configuration, results, costs: [] };
  });
}

/** Measures what the protection costs one server. */
export async function measureServer(adapter: Adapter): Promise<readonly Cost[]> {
  return await onStages(adapter, true, defaultLimits, measureCosts);
}

/** Gives a function stages for one server, and ends the processes that they share. */
async function onStages<Value>(
  adapter: Adapter,
  isolated: boolean,
  limits: Limits,
  use: (newStage: () => Stage, stages: readonly Stage[]) => Promise<Value>,
): Promise<Value> {
  const host = adapter.inNode === true && isolated ? isolate(adapter) : undefined;
  const backend = await startBackend();
  const stages: Stage[] = [];
  const newStage = (): Stage => {
    const stage = new Stage(host ?? adapter, backend.port, limits);
    stages.push(stage);
    return stage;
  };
  try {
    return await use(newStage, stages);
  } finally {
    backend.stop();
    await host?.end();
  }
}

async function runChecks(
  newStage: () => Stage,
  { checks, concurrency = 8, attempts = 2, progress }: RunOptions,
): Promise<CheckResult[]> {
  const results = new Map<Check, CheckResult>();
  let tried = checks.toSorted((left, right) => Number(right.isLong ?? false) - Number(left.isLong ?? false));
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    const queue = [...tried];
    const isLast = (check: Check): boolean => attempt === attempts || check.isLong === true;
    const work = async (): Promise<void> => {
      for (let check = queue.shift(); check !== undefined; check = queue.shift()) {
        const result = await tryCheck(check, newStage());
        if (result.outcome === 'fail' && !isLast(check)) continue;
        results.set(check, result);
        progress?.(result, results.size);
      }
    };
    await Promise.all(Array.from({ length: concurrency }, work));
    // What is slow on a busy machine is not so twice.
    tried = tried.filter((check) => !results.has(check));
  }
  return checks.flatMap((check) => results.get(check) ?? []);
}

async function tryCheck({ id, needs = [], run }: Check, stage: Stage): Promise<CheckResult> {
  const { lacks = {} } = stage.adapter;
  const missing = needs.find((feature) => lacks[feature] !== undefined);
  if (missing !== undefined) return { id, outcome: 'n/a', seen: lacks[missing] ?? '' };
  try {
    return { id, outcome: 'pass', seen: withoutFolder(await within(run(stage), checkLimitMs, 'the check')) };
  } catch (error) {
    // What goes wrong in a way that the check has not foreseen is a failure too, and says how.
    const seen = error instanceof Failure ? error.message : `unexpected: ${(error as Error).message}`;
    return { id, outcome: 'fail', seen: withoutFolder(seen) };
  } finally {
    await within(stage.close(), closeLimitMs, 'the end').catch(() => undefined);
  }
}

/** The folder of the files differs from run to run. */
function withoutFolder(seen: string): string {
  return seen.replaceAll(/\/\S*mtls-conformance-\w+\//g, '').slice(0, 400);
}
