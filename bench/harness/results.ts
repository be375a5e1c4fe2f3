/**
 * The results of a benchmark: figures, some with goals, and a table for people.
 *
 * @module
 */

export type Unit = '×' | 'ms' | 's' | 'µs' | 'B' | 'MB' | '/s' | '';

/** One figure. */
export interface Figure {
  readonly label: string;
  readonly value: number;
  readonly unit: Unit;
  /** The goal: at most this value. */
  readonly atMost?: number;
  /** For the chart: the server, and the number of entries in the CRL. */
  readonly server?: string;
  readonly entries?: number;
}

/** The result of one benchmark. */
export interface BenchmarkResult {
  readonly name: string;
  readonly title: string;
  /** Ratios first. */
  readonly figures: readonly Figure[];
  /** What a reader needs to know to interpret the figures. */
  readonly notes: readonly string[];
  /** When it was measured, if not with the others. */
  readonly measuredAt?: string;
}

/** The results of a whole run. */
export interface Results {
  readonly measuredAt: string;
  readonly machine: Readonly<Record<string, string>>;
  /** Whether small counts were used, which give rough figures. */
  readonly quick: boolean;
  readonly benchmarks: readonly BenchmarkResult[];
}

/**
 * Replaces the results of single benchmarks, and keeps the others.
 * @param names - All benchmarks, in the order of the result.
 */
export function replaceResults(old: Results, replacing: Results, names: readonly string[]): Results {
  const { measuredAt } = replacing;
  const fresh = replacing.benchmarks.map((benchmark) => ({ ...benchmark, measuredAt }));
  const all = [...fresh, ...old.benchmarks];
  return { ...old, benchmarks: names.flatMap((name) => all.find((one) => one.name === name) ?? []) };
}

/** Whether a figure meets its goal; `undefined` if it has none. */
export function meetsGoal({ value, atMost }: Figure): boolean | undefined {
  return atMost === undefined ? undefined : value <= atMost;
}

/** The missed goals, one line each. */
export function missedGoals({ benchmarks }: Results): string[] {
  return benchmarks.flatMap(({ name, figures }) =>
    figures
      .filter((figure) => meetsGoal(figure) === false)
      .map(
        (figure) => `${name}: ${figure.label}: ${formatFigure(figure)}, the goal is ${formatGoal(figure)}`,
      ),
  );
}

/** `1.03 ×`, `207 ms`. */
export function formatFigure({ value, unit }: Pick<Figure, 'value' | 'unit'>): string {
  return `${formatNumber(value, unit === '×' ? 3 : 1)} ${unit}`.trimEnd();
}

/** `≤ 1.05 ×`; empty if there is none. */
export function formatGoal({ atMost, unit }: Figure): string {
  return atMost === undefined ? '' : `≤ ${formatFigure({ value: atMost, unit })}`;
}

/** Three significant digits. Close to one, as many decimals as make the difference visible. */
function formatNumber(value: number, decimals: number): string {
  if (value === 0 || Number.isInteger(value)) return value.toLocaleString('en-US');
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en-US');
  if (Math.abs(value) >= 10) return value.toFixed(1);
  return value.toFixed(Math.max(decimals, 2));
}
