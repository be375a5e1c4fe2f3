import { describe, expect, test } from '@jest/globals';
import { writeSparklines } from '../../../src/status/sparkline.js';

const minutes = (events: Readonly<Record<number, number>>): number[] =>
  Array.from({ length: 60 }, (_, minute) => events[minute] ?? 0);

describe('the charts of the last hour', () => {
  test('have a bar for each minute with events, on one scale, and words for screen readers', () => {
    const { html } = writeSparklines({ revoked: minutes({ 0: 1, 59: 2 }), untrusted: minutes({ 30: 12 }) });
    const charts = html.split('</div>');
    expect(charts[0]).toContain('<span>12 untrusted</span>');
    expect(charts[0]).toContain('<rect x="30" y="0.0" width="0.9" height="12.0"/>');
    expect(charts[1]).toContain(
      'role="img" aria-label="3 revoked in the last 60 minutes, at most 2 in one minute"',
    );
    expect(charts[1]).toContain('<rect x="0" y="11.0" width="0.9" height="1.0"/>');
    expect(charts[1]).toContain('<rect x="59" y="10.0" width="0.9" height="2.0"/>');
    expect(charts[1]?.match(/<rect/g)).toHaveLength(2);
  });

  test('show one event beside a flood', () => {
    const { html } = writeSparklines({ revoked: minutes({ 3: 1 }), untrusted: minutes({ 4: 100_000 }) });
    expect(html).toContain('<rect x="3" y="11.0" width="0.9" height="1.0"/>');
  });

  test('join rare reasons', () => {
    const { html } = writeSparklines({
      revoked: minutes({ 0: 9 }),
      untrusted: minutes({ 0: 8 }),
      expired: minutes({ 0: 7 }),
      'is-a-ca': minutes({ 0: 1 }),
      'weak-key': minutes({ 0: 2, 5: 1 }),
    });
    expect(html.match(/<svg/g)).toHaveLength(4);
    expect(html).toContain('<span>4 for 2 other reasons</span>');
    expect(html).toContain('4 for 2 other reasons in the last 60 minutes, at most 3 in one minute');
  });

  test('are absent without events', () => {
    expect(writeSparklines({}).html).toBe('');
  });
});
