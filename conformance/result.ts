/**
 * What a run has found, as `--json` writes it.
 *
 * @module
 */

export type Outcome = 'pass' | 'fail' | 'n/a';

export interface CheckResult {
  readonly id: string;
  readonly outcome: Outcome;
  /** What was seen, or why the check does not apply. */
  readonly seen: string;
}

/** A figure of a server. It neither passes nor fails. */
export interface Cost {
  readonly id: string;
  readonly seen: string;
}

export interface ServerResult {
  readonly name: string;
  readonly title: string;
  readonly version: string;
  readonly configuration: string;
  readonly results: readonly CheckResult[];
  readonly costs: readonly Cost[];
}

export interface Results {
  /** ISO 8601. */
  readonly measuredAt: string;
  readonly machine: Readonly<Record<string, string>>;
  readonly checks: readonly {
    readonly id: string;
    readonly sentence: string;
    readonly reference: string;
    readonly steps: string;
  }[];
  readonly servers: readonly ServerResult[];
  /** The servers that were left out, with the reason. */
  readonly leftOut: readonly { readonly name: string; readonly reason: string }[];
}

/** Counts the outcomes of a server. */
export function countOutcomes(
  results: readonly Pick<CheckResult, 'outcome'>[],
): Readonly<Record<Outcome, number>> {
  const counts = { pass: 0, fail: 0, 'n/a': 0 };
  for (const { outcome } of results) counts[outcome] += 1;
  return counts;
}
