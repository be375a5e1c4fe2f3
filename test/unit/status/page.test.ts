import { createHash } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { contentSecurityPolicy } from '../../../src/status/page-style.js';
import { writePage } from '../../../src/status/page.js';
import { type StatusReport } from '../../../src/status/status-report.js';

const at = '2026-06-15T12:00:00.000Z';
const script = '<script>alert(1)</script>';
const breakout = `"><img src=x onerror='alert(1)'>\``;

const crlEnd = '2026-06-18T12:00:00.000Z';
const minutes = (at59: number): number[] => [...Array<number>(59).fill(0), at59];
const revokedOnce = { from: '2026-06-15T11:01:00.000Z', total: 3, byReason: { revoked: minutes(3) } };

const crl: StatusReport['crls']['list'][number] = {
  issuer: 'CN=ca',
  number: '7',
  source: 'ca-crl.pem',
  entries: 2,
  thisUpdate: '2026-06-14T12:00:00.000Z',
  nextUpdate: '2026-06-18T12:00:00.000Z',
  loadedAt: at,
  confirmedAt: null,
  state: 'current',
  left: 0.75,
};
const refusal: StatusReport['refusals']['list'][number] = {
  at,
  firstAt: '2026-06-15T11:00:00.000Z',
  count: 3,
  reason: 'revoked',
  code: 'ERR_MTLS_CERTIFICATE_REVOKED',
  detail: 'it was revoked',
  subject: 'CN=client2',
  serialNumber: '1002',
  remoteAddress: '192.0.2.7',
};
const report: StatusReport = {
  at,
  since: '2026-06-15T10:00:00.000Z',
  ready: true,
  healthy: true,
  faults: [],
  server: {
    host: 'web-1',
    pid: 4711,
    version: '1.2.3',
    node: 'v24.0.0',
    startedAt: '2026-06-10T12:00:00.000Z',
  },
  expiries: {
    total: 3,
    list: [
      { kind: 'crl', name: 'CN=ca', source: 'ca-crl.pem, number 7', expiresAt: crlEnd, state: 'current' },
      {
        kind: 'server-certificate',
        name: null,
        source: null,
        expiresAt: '2026-09-01T00:00:00.000Z',
        state: 'current',
      },
      { kind: 'ca', name: 'CN=ca', source: null, expiresAt: '2036-01-01T00:00:00.000Z', state: 'current' },
    ],
  },
  certificates: {
    total: 1,
    list: [
      {
        servername: null,
        notBefore: '2026-06-01T00:00:00.000Z',
        notAfter: '2026-09-01T00:00:00.000Z',
        state: 'current',
      },
    ],
  },
  authorities: {
    total: 2,
    list: [
      {
        subject: 'CN=ca',
        issuer: 'CN=ca',
        serialNumber: '1',
        notBefore: '2026-01-01T00:00:00.000Z',
        notAfter: '2036-01-01T00:00:00.000Z',
        state: 'current',
        names: ['*'],
        crl: 'loaded',
      },
      {
        subject: 'CN=b',
        issuer: 'CN=ca',
        serialNumber: '2',
        notBefore: '2026-01-01T00:00:00.000Z',
        notAfter: '2027-01-01T00:00:00.000Z',
        state: 'current',
        names: ['b.example'],
        crl: 'loaded',
      },
    ],
  },
  crls: { total: 1, list: [crl] },
  clients: {
    connections: 9,
    total: 101,
    list: [
      {
        subject: 'CN=client1',
        issuer: 'CN=ca',
        serialNumber: '1001',
        fingerprint256: 'AB',
        notAfter: at,
        connections: 9,
        since: '2026-06-15T09:00:00.000Z',
        addresses: ['192.0.2.1', '192.0.2.2'],
        addressCount: 4,
      },
    ],
  },
  refusals: { total: 3, byReason: { revoked: 3 }, lastHour: revokedOnce, list: [refusal] },
  evictions: { total: 0, byReason: {}, list: [] },
  reloads: {
    total: 2,
    failed: 1,
    list: [
      { at, outcome: 'reloaded', added: 1, removed: 0, evicted: 2, durationMs: 3.5 },
      {
        at,
        outcome: 'failed',
        source: 'ca-crl.pem',
        code: 'ERR_MTLS_CRL_INVALID',
        message: 'ca-crl.pem: is no CRL',
      },
      {
        at,
        outcome: 'recovered',
        source: 'ca-crl.pem',
        code: 'ERR_MTLS_CRL_INVALID',
        removed: false,
      },
      { at, outcome: 'recovered', source: 'old.pem', code: 'ERR_MTLS_CRL_ROLLBACK', removed: true },
      { at, outcome: 'reloaded', added: 1, removed: 0, evicted: 1, durationMs: 3.5 },
    ],
  },
  forbidden: { total: 0, lastHour: { from: at, total: 0, byReason: {} }, list: [] },
};
const page = writePage(report);

describe('the page', () => {
  test('shows what is in force, who is connected and the history', () => {
    const text = textOf(page);
    for (const part of [
      'Host web-1, process 4711, up 5 days. As of 2026-06-15 12:00:00 UTC.',
      'Ready Expires next: The CRL of CN=ca, in 3 days No faults, and nothing expires soon.',
      'Connections 9 from 101 clients',
      'Refused in the last hour 3 3 revoked',
      'Server certificate expires in 77 days',
      'Next CRL expires in 3 days CN=ca',
      'CRL CN=ca ca-crl.pem, number 7 current in 3 days 2026-06-18',
      'Certificate of the server current in 77 days 2026-09-01',
      'CN=ca serial 1 itself loaded all without CAs of their own in 9 years',
      'CN=b serial 2 CN=ca loaded b.example in 199 days',
      'CN=ca current in 3 days 75 % left 24 hours ago 2 7 ca-crl.pem',
      '9 open connections of 101 clients; 100 more are not listed',
      'CN=client1 serial 1001 CN=ca 9 3 hours ago 192.0.2.1, 192.0.2.2 and 2 more',
      'Refused handshakes: 3 (3 revoked)',
      'CN=client2 serial 1002 192.0.2.7 revoked it was revoked 3 first 60 minutes ago',
      'Evictions none None.',
      'reloaded 1 newly revoked, 0 no longer listed, 2 connections closed, 3.5 ms',
      'failed ERR_MTLS_CRL_INVALID: ca-crl.pem: is no CRL The last-good copy, if there is one, stays in force.',
      'recovered ca-crl.pem can be used again: ERR_MTLS_CRL_INVALID is fixed.',
      'express-mtls 1.2.3, Node v24.0.0.',
      'recovered old.pem was removed: ERR_MTLS_CRL_ROLLBACK no longer applies.',
      'reloaded 1 newly revoked, 0 no longer listed, 1 connection closed, 3.5 ms',
    ])
      expect(text).toContain(part);
  });

  test('shows relative times, and the exact ones as tooltips', () => {
    expect(page).toContain(
      '<time datetime="2026-06-18T12:00:00.000Z" title="2026-06-18 12:00:00 UTC">in 3 days</time>',
    );
    expect(page).toContain(
      '<time datetime="2026-06-15T11:00:00.000Z" title="2026-06-15 11:00:00 UTC">60 minutes ago</time>',
    );
    expect(page).toContain(`<time datetime="${at}" title="2026-06-15 12:00:00 UTC">now</time>`);
  });

  test('collapses tables without entries, and no others', () => {
    expect(page.match(/<details>\s*<summary><h2 id="[a-z-]+"/g)?.join(' ')).toMatch(
      /^\S+\s+<summary><h2 id="forbidden-requests" .*"evictions"$/s,
    );
    expect(page.match(/<details open>/g)).toHaveLength(6);
  });

  test('shows forbidden requests', () => {
    const request = {
      ...refusal,
      subject: 'CN=client2',
      serialNumber: '1002',
      method: 'GET',
      url: '/reports',
      rule: '{ organizationalUnit: "finance" }',
      refusedBy: ['organizationalUnit'],
    };
    const lastHour = { from: at, total: 3, byReason: { forbidden: minutes(3) } };
    const text = textOf(writePage({ ...report, forbidden: { total: 3, lastHour, list: [request] } }));
    expect(text).toContain('3 by rules (403)');
    expect(text).toContain(
      'CN=client2 serial 1002 192.0.2.7 GET /reports { organizationalUnit: &#34;finance&#34; } forbids by organizationalUnit 3 first',
    );
  });

  test('shows the proxies, and how they prove themselves', () => {
    const { authorities } = report;
    const proxy = { subject: 'CN=nginx', remoteAddress: '192.0.2.9', connections: 4, since: at };
    const proxies = { proof: 'certificate', connections: 4, total: 1, list: [proxy], authorities } as const;
    const text = textOf(writePage({ ...report, proxies }));
    expect(text).toContain('Proxies 4 open connections proved by certificate CN=nginx');
    expect(text).toContain('CN=nginx 192.0.2.9 4 now');
    expect(text).toContain('The CAs whose certificates can belong to proxies');
    const bare = {
      proof: 'secret',
      connections: 0,
      total: 0,
      list: [],
      authorities: { total: 0, list: [] },
    } as const;
    expect(textOf(writePage({ ...report, proxies: bare }))).toContain(
      'Proxies 0 open connections proved by secret',
    );
  });

  test('names the CRL that has expired, and the one that expires next', () => {
    const [first, ...others] = report.expiries.list;
    const stale = {
      ...first!,
      name: 'CN=b',
      expiresAt: '2026-06-15T09:00:00.000Z',
      state: 'expired',
    } as const;
    const text = textOf(
      writePage({ ...report, healthy: false, expiries: { total: 4, list: [stale, first!, ...others] } }),
    );
    expect(text).toContain('Next CRL expired 3 hours ago CN=b then CN=ca in 3 days');
    expect(text).toContain('Expires next: The CRL of CN=ca, in 3 days');
    expect(text).toContain('CRL CN=b ca-crl.pem, number 7 expired 3 hours ago 2026-06-15');
  });

  test('shows which of several server certificates expires first, and no such tile without any', () => {
    const certificate = report.certificates.list[0]!;
    const list = [certificate, { ...certificate, servername: 'a.example' }];
    expect(textOf(writePage({ ...report, certificates: { total: 2, list } }))).toContain(
      'Server certificate expires in 77 days the first of 2 certificates',
    );
    const bare = textOf(writePage({ ...report, certificates: { total: 0, list: [] } }));
    expect(bare).not.toContain('Server certificate');
  });

  test('says since when it records if that is less than an hour, and that there is no CRL', () => {
    const since = '2026-06-15T11:48:00.000Z';
    const text = textOf(writePage({ ...report, since, crls: { total: 0, list: [] } }));
    expect(text).toContain('Refused in the last hour 3 recorded for 12 minutes');
    expect(text).toContain('Next CRL no CRL no client is ever revoked');
  });

  test('shows the remaining time as a labelled meter, except for a CRL without nextUpdate', () => {
    expect(page).toMatch(
      /<meter min="0" max="1" low="0.1" high="0.2" optimum="1" value="0.75" aria-label="Time left of the CRL of CN=ca">75 % left<\/meter>/,
    );
    const endless = writePage({
      ...report,
      expiries: { total: 0, list: [] },
      crls: { total: 1, list: [{ ...crl, nextUpdate: null, left: null }] },
    });
    expect(endless).not.toContain('<meter');
    expect(endless).toContain('never expires');
    expect(textOf(endless)).toContain('Next CRL expires never no CRL has a nextUpdate');
    expect(textOf(endless)).toContain('Nothing else expires.');
  });

  test('shows when the source of a CRL last confirmed it', () => {
    const confirmed = { ...crl, confirmedAt: '2026-06-15T11:59:30.000Z' };
    const text = textOf(writePage({ ...report, crls: { total: 1, list: [confirmed] } }));
    expect(text).toContain('ca-crl.pem confirmed 30 seconds ago');
    expect(textOf(page)).not.toContain('confirmed');
  });

  test('shows clients without a subject, and without a certificate', () => {
    const nameless = { ...refusal, subject: '' };
    const unknown = { ...refusal, subject: null, serialNumber: null };
    const shown = writePage({
      ...report,
      refusals: { ...report.refusals, list: [nameless, unknown] },
    });
    expect(shown).toContain(
      '<td role="cell" data-name="Who"><bdi>no subject</bdi><span class="serial muted" title="serial 1002">serial <code>1002</code></span></td>',
    );
    expect(shown).toContain('<td role="cell" data-name="Who">no readable certificate</td>');
  });

  test('escapes every value', () => {
    const hostile = JSON.parse(
      JSON.stringify(report).replace(
        /"(CN=[^"]*|1001|1002|192[^"]*|ca-crl.pem[^"]*|it was revoked|b.example|7|web-1|v24.0.0)"/g,
        JSON.stringify(script + breakout),
      ),
      // A reviver cannot tell keys from values, but every key stays.
    ) as StatusReport;
    const attacked = writePage(hostile);
    expect(
      attacked.match(/&#60;script&#62;alert\(1\)&#60;\/script&#62;&#34;&#62;&#60;img/g)?.length,
    ).toBeGreaterThan(20);
    // No tag and no attribute more than in the page without the attack.
    expect(tagsOf(attacked)).toEqual(tagsOf(page));
    expect(attacked).not.toMatch(/<script|<img/);
  });

  test('has one style sheet, whose hash is in the policy, and no scripts, style attributes or external resources', () => {
    const [, style = ''] = /<style>([^]*?)<\/style>/.exec(page) ?? [];
    const hash = createHash('sha256').update(style).digest('base64');
    expect(contentSecurityPolicy).toBe(
      `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    );
    expect(page).not.toMatch(/<script| style=| on[a-z]+=|<link|<img|<form|src=|url\(|@import/);
  });

  test('can be read by a screen reader, and on a phone', () => {
    expect(page).toMatch(/^<!doctype html>\n<html lang="en">/);
    expect(page).toContain('<meta name="viewport" content="width=device-width, initial-scale=1">');
    expect(page).toContain('prefers-color-scheme: dark');
    expect(page.match(/<h1>/g)).toHaveLength(1);
    expect(page.match(/<h2 /g)).toHaveLength(14);
    const tables = page.match(/<table role="table"[^]*?<\/table>/g) ?? [];
    expect(tables).toHaveLength(7);
    // Each picture has words, or is hidden because words stand beside it.
    for (const [svg] of page.matchAll(/<svg[^>]*>/g))
      expect(svg).toMatch(/aria-hidden="true"|role="img" aria-label="[^"]+"|class="bar/);
    for (const [cell] of page.matchAll(/<t[hd][^>]*>(?:Time left )?<svg class="bar/g))
      expect(cell).toContain('aria-hidden="true"');
    for (const table of tables) {
      expect(table).toMatch(/<caption>[^<]+<\/caption>/);
      expect(table).not.toMatch(
        /<th(?! role="(?:column|row)header" scope="(?:col|row)"| class="scale" aria-hidden="true")[ >]|<t[dr](?! role=| class="scale" aria-hidden="true")/,
      );
    }
    expect(
      page.match(/<div class="wide" role="region" aria-labelledby="[a-z-]+" tabindex="0">/g),
    ).toHaveLength(6);
  });

  test.each([
    ['light', ['#fff', '#f6f8fa'], ['#1b1f24', '#57606a', '#10652f', '#7a4b00', '#a8071a']],
    ['dark', ['#14171b', '#1d2228'], ['#e6e9ed', '#a3acb8', '#7fd99a', '#f2c14e', '#ff9d97']],
  ])('has sufficient contrast in %s mode (WCAG 2.2, 1.4.3)', (_theme, [back = '', tile = ''], texts) => {
    expect(page).toContain(`--back: ${back}; --tile: ${tile};`);
    for (const text of texts) {
      expect(page).toContain(`: ${text};`);
      expect([text, contrast(text, back) >= 4.5, contrast(text, tile) >= 4.5]).toEqual([text, true, true]);
    }
  });
});

function textOf(html: string): string {
  return html
    .replace(/<style>.*<\/style>/s, '')
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ')
    .replace(/ ([,.:])/g, '$1');
}

function tagsOf(html: string): string[] {
  return (html.replace(/<style>[^]*<\/style>/, '').match(/<\/?[a-z][^>]*>/g) ?? []).map((tag) =>
    tag.replace(/(aria-label|title)="[^"]*"/, '$1'),
  );
}

function contrast(one: string, other: string): number {
  const [low = 0, high = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

function luminance(colour: string): number {
  const hex = colour.length === 4 ? colour.replace(/[^#]/g, '$&$&') : colour;
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((index) => {
    const part = Number.parseInt(hex.slice(index, index + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
