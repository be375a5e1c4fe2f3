import { hostname } from 'node:os';
import { expect, test } from '@jest/globals';
import { formatReport, parseReport } from '../../../src/sources/process-report.js';

const report = {
  id: 'one',
  startedAt: new Date('2026-01-01T00:00:00Z'),
  at: new Date('2026-01-02T00:00:00Z'),
  versions: new Map([['key', 'version']]),
  crls: [
    {
      issuer: 'CN=ca',
      crlNumber: 2n ** 150n,
      deltaBase: undefined,
      thisUpdate: new Date('2026-01-01T00:00:00Z'),
      nextUpdate: undefined,
    },
  ],
};

test('a report is read as it was written', () => {
  expect(parseReport(formatReport(report))).toEqual({
    ...report,
    host: hostname(),
    pid: process.pid,
    node: process.version,
  });
});

test.each([
  ['no JSON', '{'],
  ['null', 'null'],
  ['a process id that is text', formatReport(report).replace(/"pid":\d+/, '"pid":"1"')],
  ['a long host name', formatReport(report).replace(/"host":"[^"]*"/, `"host":"${'x'.repeat(300)}"`)],
  ['an impossible date', formatReport(report).replace('2026-01-02', '2026-13-02')],
  ['a CRL number that is no number', formatReport(report).replace(/"crlNumber":"\d+"/, '"crlNumber":"-1"')],
])('%s is no report', (_, text) => {
  expect(parseReport(text)).toBeUndefined();
});
