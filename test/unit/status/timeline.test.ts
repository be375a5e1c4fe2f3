import { describe, expect, test } from '@jest/globals';
import { type StatusExpiry } from '../../../src/status/status-overview.js';
import { writeTimeline } from '../../../src/status/timeline.js';

const at = '2026-06-15T12:00:00.000Z';
const hour = 3_600_000;

function expiryIn(hours: number, state: StatusExpiry['state'] = 'current'): StatusExpiry {
  const expiresAt = new Date(Date.parse(at) + hours * hour).toISOString();
  return { kind: 'ca', name: `CN=${hours}`, source: null, expiresAt, state };
}

function timelineOf(list: readonly StatusExpiry[], total: number = list.length): string {
  return writeTimeline({ at, expiries: { total, list } }).html;
}

describe('the timeline', () => {
  test('says in words what is expired and what expires soon, each with its own shape', () => {
    const html = timelineOf([expiryIn(-3, 'expired'), expiryIn(3, 'soon'), expiryIn(1000)]);
    expect(html).toContain('3 in all: 1 expired, 1 soon.');
    const rows = html.match(/<tr role="row"><th role="rowheader"[^]*?<\/tr>/g) ?? [];
    expect(rows.map((row) => />\s*(expired|soon|current)</.exec(row)?.[1])).toEqual([
      'expired',
      'soon',
      'current',
    ]);
    expect(rows.map((row) => />([^<]*)<\/time>/.exec(row)?.[1])).toEqual([
      '3 hours ago',
      'in 3 hours',
      'in 41 days',
    ]);
    const shapes = rows.map((row) => /<svg class="symbol[^>]*>(.*?)<\/svg>/.exec(row)?.[1]);
    expect(new Set(shapes).size).toBe(3);
  });

  test('has longer bars for more time, up to the whole width', () => {
    const hours = [-5, 0.5, 1, 24, 24 * 30, 24 * 365, 24 * 365 * 30];
    const widths = [
      ...timelineOf(hours.map((each) => expiryIn(each))).matchAll(/<rect [^>]*width="([\d.]+)%"/g),
    ];
    const numbers = widths.map(([, width]) => Number(width));
    expect(numbers).toEqual([...numbers].sort((one, other) => one - other));
    expect(new Set(numbers).size).toBe(7);
    expect([numbers[0], numbers.at(-1)]).toEqual([0.5, 100]);
  });

  test('shows eight, collapses the others, and counts those that are not listed', () => {
    const many = Array.from({ length: 12 }, (_, index) => expiryIn(index + 1));
    const html = timelineOf(many, 150);
    const [shown = '', collapsed = ''] = html.split('<details>');
    expect(shown.match(/role="rowheader"/g)).toHaveLength(8);
    expect(collapsed.match(/role="rowheader"/g)).toHaveLength(4);
    expect(collapsed).toContain('<summary>4 more</summary>');
    expect(collapsed).toContain('138 more are not listed');
    expect(timelineOf(many.slice(0, 8))).not.toContain('<details>');
    expect(timelineOf([])).toContain('Nothing expires.');
  });
});
