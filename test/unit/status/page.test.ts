import { createHash } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { contentSecurityPolicy } from '../../../src/status/page-style.js';
import { writePage } from '../../../src/status/page.js';
import { type StatusReport } from '../../../src/status/status-report.js';

const at = '2026-06-15T12:00:00.000Z';
const script = '<script>alert(1)</script>';
const breakout = `"><img src=x onerror='alert(1)'>\``;

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
  authorities: {
    total: 2,
    list: [
      {
        subject: 'CN=ca',
        issuer: 'CN=ca',
        serialNumber: '1',
        notAfter: at,
        state: 'current',
        names: ['*'],
        crl: 'loaded',
      },
      {
        subject: 'CN=b',
        issuer: 'CN=ca',
        serialNumber: '2',
        notAfter: at,
        state: 'expired',
        names: ['b.example'],
        crl: 'missing',
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
  refusals: { total: 3, byReason: { revoked: 3 }, list: [refusal] },
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
      { at, outcome: 'recovered', source: 'ca-crl.pem', code: 'ERR_MTLS_CRL_INVALID' },
    ],
  },
};
const page = writePage(report);

describe('the page', () => {
  test('shows what is in force, who is connected and the history', () => {
    const text = page
      .replace(/<style>.*<\/style>/s, '')
      .replace(/<[^>]*>/g, ' ')
      .replace(/\s+/g, ' ');
    for (const part of [
      'Ready: every CRL is current.',
      'CN=ca CN=ca loaded all without CAs of their own 2026-06-15 12:00:00 UTC',
      'CN=b CN=ca missing: its CRL is not loaded b.example 2026-06-15 12:00:00 UTC expired',
      'CN=ca current 3 days left 3 days left, until 2026-06-18 12:00:00 UTC 24 hours 2 7 ca-crl.pem',
      '9 open connections of 101 clients; 100 more are not listed',
      'CN=client1 serial 1001 CN=ca 9 2026-06-15 09:00:00 UTC , 3 hours 192.0.2.1, 192.0.2.2 and 2 more',
      'Refused handshakes: 3 (3 revoked)',
      'CN=client2 serial 1002 192.0.2.7 revoked it was revoked 3 since 2026-06-15 11:00:00 UTC',
      'Evictions None.',
      'reloaded 1 newly revoked, 0 no longer listed, 2 connections closed, 3.5 ms',
      'failed ERR_MTLS_CRL_INVALID: ca-crl.pem: is no CRL The last-good copy stays in force.',
      'recovered ca-crl.pem can be used again: ERR_MTLS_CRL_INVALID is fixed.',
    ])
      expect(text).toContain(part);
  });

  test('states in words what is stale and since when, and which source has a fault', () => {
    const stale = { ...crl, nextUpdate: '2026-06-15T09:00:00.000Z', state: 'stale', left: 0 } as const;
    const fault = {
      source: 'ca-crl.pem',
      code: 'ERR_MTLS_CRL_INVALID',
      message: 'is no CRL',
      since: '2026-06-15T11:30:00.000Z',
    } as const;
    const bad = writePage({
      ...report,
      ready: false,
      crls: { total: 1, list: [stale] },
      healthy: false,
      faults: [fault],
    });
    expect(bad).toContain('<title>Not ready: client certificates</title>');
    expect(bad).toContain('Not ready: every CRL is stale.');
    expect(bad).toContain('<span class="bad">stale</span>');
    expect(bad).toContain('expired 3 hours ago, at');
    expect(bad).toContain('<bdi>ca-crl.pem</bdi> has been at fault since');
    expect(page).not.toContain('has been at fault since');
    const staleOne = writePage({ ...report, healthy: false, crls: { total: 2, list: [stale, crl] } });
    expect(staleOne).toContain('Ready, but a CRL is stale.');
    const inGrace = writePage({ ...report, crls: { total: 1, list: [stale] } });
    expect(inGrace).toContain('Ready: a CRL is stale, within its grace period.');
    const without = writePage({ ...report, crls: { total: 0, list: [] } });
    expect(without).toContain('no CRL is configured: no client is ever revoked');
  });

  test('shows the remaining time as a labelled meter, except for a CRL without nextUpdate', () => {
    expect(page).toMatch(
      /<meter min="0" max="1" low="0.1" high="0.2" optimum="1" value="0.75" aria-label="Time left of the CRL of CN=ca">3 days left<\/meter>/,
    );
    const endless = writePage({
      ...report,
      crls: { total: 1, list: [{ ...crl, nextUpdate: null, left: null }] },
    });
    expect(endless).not.toContain('<meter');
    expect(endless).toContain('never expires');
  });

  test('shows clients without a subject, and without a certificate', () => {
    const nameless = { ...refusal, subject: '' };
    const unknown = { ...refusal, subject: null, serialNumber: null };
    const shown = writePage({
      ...report,
      refusals: { total: 2, byReason: { revoked: 2 }, list: [nameless, unknown] },
    });
    expect(shown).toContain(
      '<td role="cell" data-name="Who"><bdi>no subject</bdi><br><span class="muted">serial 1002</span></td>',
    );
    expect(shown).toContain('<td role="cell" data-name="Who">no readable certificate</td>');
  });

  test('escapes every value', () => {
    const hostile = JSON.parse(
      JSON.stringify(report).replace(
        /"(CN=[^"]*|1001|1002|192[^"]*|ca-crl.pem[^"]*|it was revoked|b.example|7)"/g,
        JSON.stringify(script + breakout),
      ),
      // A reviver cannot tell keys from values, but every key stays.
    ) as StatusReport;
    const attacked = writePage(hostile);
    expect(
      attacked.match(/&#60;script&#62;alert\(1\)&#60;\/script&#62;&#34;&#62;&#60;img/g)?.length,
    ).toBeGreaterThan(12);
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
    expect(page.match(/<h2 /g)).toHaveLength(6);
    const tables = page.match(/<table role="table">[^]*?<\/table>/g) ?? [];
    expect(tables).toHaveLength(5);
    for (const table of tables) {
      expect(table).toMatch(/<caption>[^<]+<\/caption>/);
      expect(table).not.toMatch(
        /<th(?! role="(?:column|row)header" scope="(?:col|row)")[ >]|<t[dr](?! role=)/,
      );
    }
    expect(page.match(/<div class="wide" role="region" aria-labelledby="\w+" tabindex="0">/g)).toHaveLength(
      5,
    );
  });

  test.each([
    ['light', '#fff', ['#1b1f24', '#57606a', '#10652f', '#a8071a']],
    ['dark', '#14171b', ['#e6e9ed', '#a3acb8', '#7fd99a', '#ff9d97']],
  ])('has sufficient contrast in %s mode (WCAG 2.2, 1.4.3)', (_theme, back, texts) => {
    expect(page).toContain(`--back: ${back};`);
    for (const text of texts) {
      expect(page).toContain(`: ${text};`);
      expect([text, contrast(text, back) >= 4.5]).toEqual([text, true]);
    }
  });
});

function tagsOf(html: string): string[] {
  return (html.replace(/<style>[^]*<\/style>/, '').match(/<\/?[a-z][^>]*>/g) ?? []).map((tag) =>
    tag.replace(/(aria-label)="[^"]*"/, '$1'),
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
