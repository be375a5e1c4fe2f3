import { describe, expect, test } from '@jest/globals';
import { type StatusExpiry } from '../../../src/status/status-overview.js';
import { type StatusReport } from '../../../src/status/status-report.js';
import { judgeReport } from '../../../src/status/verdict.js';

const at = '2026-06-15T12:00:00.000Z';
const crl = {
  kind: 'crl',
  name: 'CN=ca',
  source: 'ca-crl.pem',
  expiresAt: '2026-06-18T12:00:00.000Z',
} as const;
const authority: StatusReport['authorities']['list'][number] = {
  subject: 'CN=ca',
  issuer: 'CN=ca',
  serialNumber: '1',
  notBefore: '2026-01-01T00:00:00.000Z',
  notAfter: '2036-01-01T00:00:00.000Z',
  state: 'current',
  names: ['*'],
  crl: 'loaded',
};
type Given = Parameters<typeof judgeReport>[0];
const well: Given = {
  at,
  ready: true,
  healthy: true,
  faults: [],
  crls: { total: 1, list: [] },
  authorities: { total: 1, list: [authority] },
  expiries: { total: 1, list: [{ ...crl, state: 'current' }] },
};

/** The level, the headline, and the problems as text. */
function verdictOn(given: Partial<Given>): [string, string, ...string[]] {
  const { level, headline, problems } = judgeReport({ ...well, ...given });
  return [level, headline, ...problems.map(({ text }) => text.html.replace(/<[^>]*>/g, ''))];
}

function expiring(...list: StatusExpiry[]): StatusReport['expiries'] {
  return { total: list.length, list };
}

const past = '2026-06-15T09:00:00.000Z';
const soon = '2026-06-15T12:40:00.000Z';
const fault = {
  source: 'ca-crl.pem',
  code: 'ERR_MTLS_CRL_INVALID',
  message: 'is <no> CRL',
  since: '2026-06-15T11:30:00.000Z',
} as const;

describe('the headline', () => {
  test('is green only if there is nothing to do', () => {
    expect(verdictOn({})).toEqual(['good', 'Ready']);
  });

  test('is red and not ready if every CRL is stale', () => {
    const stale = {
      ready: false,
      healthy: false,
      expiries: expiring({ ...crl, expiresAt: past, state: 'expired' }),
    };
    expect(verdictOn(stale)).toEqual([
      'bad',
      'Not ready with 1 problem',
      'Every CRL is stale.',
      'The CRL of CN=ca expired 3 hours ago: its clients are refused, unless the policy admits them.',
    ]);
    expect(verdictOn({ ready: false, healthy: false })[0]).toBe('bad');
    expect(verdictOn({ ready: false, crls: { total: 0, list: [] } })).toEqual([
      'bad',
      'Not ready with 1 problem',
      'The sources have not been read yet: every client is refused.',
    ]);
  });

  test('is red if a source is at fault, although the server is ready, and names the fault, escaped', () => {
    expect(verdictOn({ healthy: false, faults: [fault, fault] })).toEqual([
      'bad',
      'Ready with 2 problems',
      ...Array<string>(2).fill(
        'ca-crl.pem has been at fault for 30 minutes. Its last-good copy, if it has one, is in force. ERR_MTLS_CRL_INVALID: is &#60;no&#62; CRL',
      ),
    ]);
  });

  test('is never green if mtls.healthy is false', () => {
    expect(verdictOn({ healthy: false })).toEqual([
      'bad',
      'Ready with 1 problem',
      'A CRL is stale: its source has not confirmed it in time.',
    ]);
  });

  test.each([
    [
      'server-certificate',
      null,
      'The certificate of the server expired 3 hours ago: clients that verify it do not connect.',
    ],
    [
      'server-certificate',
      'a.example',
      'The certificate of a.example expired 3 hours ago: clients that verify it do not connect.',
    ],
    ['ca', 'CN=ca', 'The CA CN=ca expired 3 hours ago: its clients are refused.'],
    ['proxy-ca', 'CN=p', 'The CA of proxies CN=p expired 3 hours ago: its proxies are refused.'],
  ] as const)('is red if a %s of %p has expired', (kind, name, text) => {
    const expiries = expiring({ kind, name, source: null, expiresAt: past, state: 'expired' });
    expect(verdictOn({ expiries })).toEqual(['bad', 'Ready with 1 problem', text]);
  });

  test.each<[string, Partial<Given>, string]>([
    [
      'a CRL is within its grace period',
      { expiries: expiring({ ...crl, expiresAt: past, state: 'expired' }) },
      'The CRL of CN=ca expired 3 hours ago and is within its grace period.',
    ],
    [
      'something expires soon',
      { expiries: expiring({ ...crl, expiresAt: soon, state: 'soon' }) },
      'The CRL of CN=ca expires in 40 minutes.',
    ],
    [
      'a CA has no CRL',
      { authorities: { total: 2, list: [authority, { ...authority, subject: 'CN=b', crl: 'missing' }] } },
      'The CA CN=b has no CRL: its clients are refused, unless the policy admits them.',
    ],
    [
      'no CRL is configured',
      {
        crls: { total: 0, list: [] },
        authorities: { total: 1, list: [{ ...authority, crl: 'not-configured' }] },
      },
      'No CRL is configured: no client is ever revoked.',
    ],
    [
      'no CRL is configured for a name',
      {
        authorities: {
          total: 2,
          list: [authority, { ...authority, names: ['a.example'], crl: 'not-configured' }],
        },
      },
      'No CRL is configured for a.example: its clients are never revoked.',
    ],
    [
      'the store of the fleet cannot be read',
      { fleet: { outcome: 'failed', total: 0, list: [] } },
      'The store of the fleet cannot be read.',
    ],
    [
      'a process has an older CRL',
      {
        fleet: { outcome: 'read', total: 3, list: [processWith('9'), processWith('10'), processWith('10')] },
      },
      '1 of 3 processes of the fleet does not have the newest CRLs in force.',
    ],
  ])('is a warning if %s', (_what, given, text) => {
    expect(verdictOn(given)).toEqual(['warning', 'Ready with 1 warning', text]);
  });

  test('is red if a CA is not valid yet', () => {
    const list = [{ ...authority, state: 'not-yet-valid' as const }];
    expect(verdictOn({ authorities: { total: 1, list } })).toEqual([
      'bad',
      'Ready with 1 problem',
      'The CA CN=ca is not valid yet.',
    ]);
  });

  test('counts all, lists the first five of a kind, and has problems before warnings', () => {
    const many = Array.from({ length: 8 }, () => ({ ...crl, expiresAt: soon, state: 'soon' }) as const);
    const verdict = verdictOn({ healthy: false, faults: [fault], expiries: expiring(...many) });
    expect(verdict.slice(0, 2)).toEqual(['bad', 'Ready with 1 problem and 8 warnings']);
    expect(verdict[2]).toContain('has been at fault');
    expect(verdict).toHaveLength(9);
    expect(verdict.at(-1)).toBe('3 more expire soon.');
  });
});

describe('a process of a fleet', () => {
  test('is behind if it lacks an issuer; a delta CRL counts by its number', () => {
    const delta = { issuer: 'CN=ca', number: '10', isDelta: true, thisUpdate: at };
    const base = processWith('9');
    const list = [processWith('10'), { ...base, crls: [...base.crls, delta] }, { ...base, crls: [] }];
    expect(verdictOn({ fleet: { outcome: 'read', total: 3, list } })[2]).toMatch(/^1 of 3 /);
  });

  test('is behind by date if CRLs have no numbers', () => {
    const old = { ...processWith('1').crls[0]!, number: null, thisUpdate: past };
    const list = [
      { ...processWith('1'), crls: [{ ...old, thisUpdate: at }] },
      { ...processWith('1'), crls: [old] },
    ];
    expect(verdictOn({ fleet: { outcome: 'read', total: 2, list } })[2]).toMatch(/^1 of 2 /);
  });
});

function processWith(number: string): NonNullable<StatusReport['fleet']>['list'][number] {
  const crls = [{ issuer: 'CN=ca', number, isDelta: false, thisUpdate: at }];
  return { host: 'web-1', pid: 1, startedAt: at, reportedAt: at, crls };
}
