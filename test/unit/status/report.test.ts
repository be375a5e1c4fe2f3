import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { identityOf } from '../../../src/identity/client-identity.js';
import { type RefusalReason } from '../../../src/judgement/refusal.js';
import { ForbiddenRecord } from '../../../src/status/forbidden-record.js';
import { RefusalRecord } from '../../../src/status/history.js';
import { MinuteCounts } from '../../../src/status/minute-counts.js';
import { createReport, type ReportSource } from '../../../src/status/report.js';
import { type StatusReport } from '../../../src/status/status-report.js';
import { type AuthorityState } from '../../../src/server/authority-state.js';
import {
  type ConnectionState,
  type ProxyConnectionState,
  type ProxyState,
  type ServerCertificateState,
} from '../../../src/server/mtls.js';
import { parseCertificate } from '../../../src/x509/certificate.js';
import { DistinguishedName } from '../../../src/x509/distinguished-name.js';
import { ca, type Certificate } from '../../support/chain.js';
import { root as repository } from '../../support/program.js';

const now = Date.UTC(2026, 5, 15, 12);
const hour = 3_600_000;
const root = ca('root');
const nothing: ReportSource = {
  authorities: [],
  certificates: [],
  proxies: undefined,
  revocation: { crls: [], uncovered: [], healthy: true },
  connections: [],
  faults: [],
  healthy: true,
  ready: true,
};

function report(of: Partial<ReportSource>): StatusReport {
  const reloads = { total: 0, failed: 0, list: [] };
  const records = {
    refusals: new RefusalRecord([]),
    refusalCounts: new MinuteCounts<RefusalReason>(),
    evictions: new RefusalRecord([]),
    forbidden: new ForbiddenRecord(),
    forbiddenCounts: new MinuteCounts<'forbidden'>(),
    reloads,
  };
  const history = { since: new Date(now).toISOString(), ...records };
  return createReport({ ...nothing, ...of }, { history, sources: 'names', now });
}

describe('CAs', () => {
  test.each([
    [-2, -1, 'expired'],
    [-2, 0, 'expired'],
    [-2, 1, 'current'],
    [0, 1, 'current'],
    [1, 2, 'not-yet-valid'],
  ])('from %i hours to %i hours are %s', (begin, end, state) => {
    const name = DistinguishedName.parse('CN=ca');
    const authority = {
      subject: name,
      issuer: name,
      serialNumber: 'f'.repeat(1000),
      notBefore: new Date(now + begin * hour),
      notAfter: new Date(now + end * hour),
      names: ['*'],
      crl: 'loaded',
    } as const;
    const [shown] = report({ authorities: [authority] }).authorities.list;
    expect(shown?.state).toBe(state);
    expect(shown?.serialNumber).toHaveLength(64);
  });
});

describe('CRLs', () => {
  const crl = (
    name: string,
    begin: number,
    end: number | undefined,
  ): StatusReport['crls']['list'][number] => {
    const entry = {
      issuer: DistinguishedName.parse(`CN=${name}`),
      number: undefined,
      deltaBase: undefined,
      thisUpdate: new Date(now + begin * hour),
      nextUpdate: end === undefined ? undefined : new Date(now + end * hour),
      entries: 0,
      source: `/etc/mtls/${name}.pem`,
      loadedAt: new Date(now),
      confirmedAt: undefined,
    };
    const state = { ...nothing.revocation, crls: [entry] };
    return report({ revocation: state }).crls.list[0]!;
  };

  test.each([
    [-1, 3, 'current', 0.75],
    [-3, 1, 'current', 0.25],
    [-4, 0, 'stale', 0],
    [-4, -1, 'stale', 0],
    // The clock of the CA is ahead, and the policy lets it.
    [1, 2, 'current', 1],
    [2, 1, 'current', 0],
    [-1, undefined, 'current', null],
  ])('from %i hours to %p hours are %s, and %p of their life is left', (begin, end, state, left) => {
    expect(crl('a', begin, end)).toMatchObject({ state, left, number: null, source: 'a.pem' });
  });

  test('are sorted by nextUpdate', () => {
    const ends = [3, undefined, -1, 2, undefined];
    const crls = ends.map((end, index) => ({
      issuer: DistinguishedName.parse(`CN=${index}`),
      number: '1',
      deltaBase: undefined,
      thisUpdate: new Date(now - hour),
      nextUpdate: end === undefined ? undefined : new Date(now + end * hour),
      entries: 0,
      source: 'options.crl',
      loadedAt: new Date(now),
      confirmedAt: undefined,
    }));
    const { list } = report({ revocation: { ...nothing.revocation, crls } }).crls;
    expect(list.map(({ issuer }) => issuer)).toEqual(['CN=2', 'CN=3', 'CN=0', 'CN=1', 'CN=4']);
  });
});

describe('clients', () => {
  const connection = (certificate: Certificate, host: number, age: number): ConnectionState => ({
    identity: {
      source: 'tls',
      via: undefined,
      ...identityOf(parseCertificate(certificate.der)),
      policies: [],
      resumed: false,
    },
    remoteAddress: `192.0.2.${host}`,
    since: new Date(now - age * hour),
  });

  test('are listed once each, by number of connections, then by age', () => {
    const [one, two, three] = [root.client('one'), root.client('two'), root.client('three')];
    const { clients } = report({
      connections: [
        connection(one, 1, 1),
        connection(two, 1, 1),
        connection(three, 1, 5),
        connection(two, 2, 3),
        connection(two, 2, 2),
      ],
    });
    expect(clients).toMatchObject({
      connections: 5,
      total: 3,
      list: [
        { subject: 'CN=two', connections: 3, addressCount: 2, since: '2026-06-15T09:00:00.000Z' },
        { subject: 'CN=three', connections: 1 },
        { subject: 'CN=one', connections: 1 },
      ],
    });
  });

  test('list five addresses, and count the others', () => {
    const one = root.client('one');
    const { clients } = report({
      connections: [7, 6, 5, 4, 3, 2, 1, 7].map((host) => connection(one, host, 1)),
    });
    expect(clients.list).toMatchObject([{ connections: 8, addressCount: 7 }]);
    expect(clients.list[0]?.addresses).toEqual([7, 6, 5, 4, 3].map((host) => `192.0.2.${host}`));
  });

  test('are at most a hundred, and all of them are counted', () => {
    const base = connection(root.client('one'), 1, 1);
    const connections = Array.from({ length: 250 }, (_, index) => ({
      ...base,
      identity: { ...base.identity, fingerprint256: `${index}` },
    }));
    const { clients } = report({ connections });
    expect([clients.connections, clients.total, clients.list.length]).toEqual([250, 250, 100]);
  });
});

describe('proxies', () => {
  test('are listed once for each certificate and address', () => {
    const proxy = (host: number, age: number): ProxyConnectionState => ({
      identity: undefined,
      remoteAddress: `192.0.2.${host}`,
      since: new Date(now - age * hour),
    });
    const proxies: ProxyState = {
      proof: 'secret',
      authorities: [],
      connections: [proxy(1, 1), proxy(2, 4), proxy(2, 5), proxy(2, 3)],
    };
    expect(report({ proxies }).proxies).toEqual({
      proof: 'secret',
      connections: 4,
      authorities: { total: 0, list: [] },
      total: 2,
      list: [
        { subject: null, remoteAddress: '192.0.2.2', connections: 3, since: '2026-06-15T07:00:00.000Z' },
        { subject: null, remoteAddress: '192.0.2.1', connections: 1, since: '2026-06-15T11:00:00.000Z' },
      ],
    });
    expect(report({})).not.toHaveProperty('proxies');
  });
});

describe('what expires', () => {
  const day = 24 * hour;
  const authority = (name: string, begin: number, end: number): AuthorityState => ({
    subject: DistinguishedName.parse(`CN=${name}`),
    issuer: DistinguishedName.parse(`CN=${name}`),
    serialNumber: '1',
    notBefore: new Date(now + begin),
    notAfter: new Date(now + end),
    names: ['*'],
    crl: 'loaded',
  });
  const crlOf = (
    name: string,
    end: number,
    deltaBase?: string,
  ): ReportSource['revocation']['crls'][number] => ({
    issuer: DistinguishedName.parse(`CN=${name}`),
    number: '7',
    deltaBase,
    thisUpdate: new Date(now - 10 * hour),
    nextUpdate: new Date(now + end),
    entries: 0,
    source: `/etc/mtls/${name}.pem`,
    loadedAt: new Date(now),
    confirmedAt: undefined,
  });

  test('is listed by date: certificates of the server and of its names, CAs of clients and proxies, and CRLs', () => {
    const certificate = (servername: string | undefined, end: number): ServerCertificateState => ({
      servername,
      notBefore: new Date(now - day),
      notAfter: new Date(now + end),
    });
    const shared = authority('b', -day, 40 * day);
    const { expiries } = report({
      certificates: [certificate(undefined, 9 * day), certificate('a.example', -hour)],
      // Listed twice by its names, but it expires once.
      authorities: [
        authority('a', -day, 50 * day),
        shared,
        { ...shared, names: ['c.example'], crl: 'missing' },
      ],
      proxies: { proof: 'certificate', authorities: [authority('p', -day, 20 * day)], connections: [] },
      revocation: { crls: [crlOf('c', 5 * hour), crlOf('d', 2 * hour, '6')], uncovered: [], healthy: true },
    });
    expect(expiries.total).toBe(7);
    expect(expiries.list.map(({ kind, name, source }) => [kind, name, source])).toEqual([
      ['server-certificate', 'a.example', null],
      ['crl', 'CN=d', 'd.pem, delta number 7'],
      ['crl', 'CN=c', 'c.pem, number 7'],
      ['server-certificate', null, null],
      ['proxy-ca', 'CN=p', null],
      ['ca', 'CN=b', null],
      ['ca', 'CN=a', null],
    ]);
  });

  test.each([
    // A fifth of a short life.
    [-8 * hour, 2 * hour, 'soon'],
    [-8 * hour, 2 * hour + 1, 'current'],
    // 30 days of a long one.
    [-1000 * day, 30 * day, 'soon'],
    [-1000 * day, 30 * day + 1, 'current'],
    [-day, 1, 'soon'],
    [-day, 0, 'expired'],
  ])('from %i to %i ms is %p', (begin, end, state) => {
    const { expiries } = report({ authorities: [authority('a', begin, end)] });
    expect(expiries.list).toMatchObject([{ state }]);
  });

  test('includes what expires first, however many CAs there are', () => {
    const many = Array.from({ length: 150 }, (_, index) => authority(`${index}`, -day, (200 - index) * day));
    const { expiries, authorities } = report({ authorities: many });
    expect([expiries.total, expiries.list.length, authorities.list.length]).toEqual([150, 100, 100]);
    expect(expiries.list[0]).toMatchObject({ name: 'CN=149' });
  });
});

test('the process is named', () => {
  const manifest = JSON.parse(readFileSync(path.join(repository, 'package.json'), 'utf8')) as {
    version: string;
  };
  expect(report({}).server).toEqual({
    host: hostname(),
    pid: process.pid,
    version: manifest.version,
    node: process.version,
    startedAt: expect.stringMatching(/^\d{4}-.*Z$/),
  });
});
