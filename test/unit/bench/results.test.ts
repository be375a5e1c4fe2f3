import { describe, expect, test } from '@jest/globals';
import { type BenchmarkResult, replaceResults, type Results } from '../../../bench/harness/results.js';
import { formatResults } from '../../../bench/report.js';

const result = (name: string, value: number): BenchmarkResult => ({
  name,
  title: `What ${name} costs`,
  figures: [{ label: 'CPU', value, unit: 'ms' }],
  notes: [],
});
const resultsOf = (measuredAt: string, ...benchmarks: BenchmarkResult[]): Results => ({
  measuredAt,
  machine: { cores: '2' },
  quick: false,
  benchmarks,
});

describe('results of single benchmarks', () => {
  const old = resultsOf('2026-01-02T00:00:00.000Z', result('a', 1), result('c', 3));
  const names = ['a', 'b', 'c'];

  test('replace those of the same name, with a date of their own, and keep the others', () => {
    const fresh = resultsOf('2026-03-04T00:00:00.000Z', result('c', 4));
    const text = formatResults(replaceResults(old, fresh, names));
    expect(text).toMatch(/^Measured on 2026-01-02: /);
    expect(text).toMatch(/`a`\)\n\n\|[^#]* 1 ms /);
    expect(text).toMatch(/`c`\)\n\nMeasured on 2026-03-04\.\n\n\|[^#]* 4 ms /);
    expect(text).not.toContain('3 ms');
  });

  test('take the place that they have in a whole run', () => {
    const { benchmarks } = replaceResults(old, resultsOf('2026-03-04T00:00:00.000Z', result('b', 2)), names);
    expect(benchmarks.map(({ name }) => name)).toEqual(names);
  });
});
