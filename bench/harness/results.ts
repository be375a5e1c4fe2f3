/**
 * What a benchmark finds: figures, the goals among them, and a table for people.
 *
 * @module
 */

export type Unit = '×' | 'ms' | 's' | 'µs' | 'B' | 'MB' | '/s' | '';

/** One figure. */
export interface Figure {
  readonly label: string;
  readonly value: number;
  readonly unit: Unit;
  /** The goal: not more than this. */
  readonly atMost?: number;
  /** For the chart: whose figure it is, and with how many entries in the CRL. */
  readonly server?: string;
  readonly entries?: number;
}

/** What one benchmark found. */
export interface BenchmarkResult {
  readonly name: string;
  readonly title: string;
  /** Ratios first. */
  readonly figures: readonly Figure[];
  /** What a reader must know to judge the figures. */
  readonly notes: readonly string[];
}

/** What a whole run found. */
export interface Results {
  readonly measuredAt: string;
  readonly machine: Readonly<Record<string, string>>;
  /** Whether the counts were the small ones, whose figures are rough. */
  readonly quick: boolean;
  readonly benchmarks: readonly BenchmarkResult[];
}

/** Whether a figure meets its goal; `undefined` where it has none. */
export function meetsGoal({ value, atMost }: Figure): boolean | undefined {
  return atMost === undefined ? undefined : value <= atMost;
}

/** The goals that were missed, a line each. */
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

/** `≤ 1.05 ×`; empty where there is none. */
export function formatGoal({ atMost, unit }: Figure): string {
  return atMost === undefined ? '' : `≤ ${formatFigure({ value: atMost, unit })}`;
}

/** Three significant digits; of what is nearly one, as many decimals as make the difference visible. */
function formatNumber(value: number, decimals: number): string {
  if (value === 0 || Number.isInteger(value)) return value.toLocaleString('en-US');
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en-US');
  if (Math.abs(value) >= 10) return value.toFixed(1);
  return value.toFixed(Math.max(decimals, 2));
}
