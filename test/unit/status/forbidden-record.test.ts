import { describe, expect, test } from '@jest/globals';
import { type ForbiddenEvent } from '../../../src/gate/events.js';
import { identityOf } from '../../../src/identity/client-identity.js';
import { ForbiddenRecord } from '../../../src/status/forbidden-record.js';
import { parseCertificate } from '../../../src/x509/certificate.js';
import { ca } from '../../support/chain.js';

const root = ca('root');
const at = (second: number): string => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();

function event(commonName: string, more: Partial<ForbiddenEvent> = {}): ForbiddenEvent {
  const { der } = root.client({ commonName });
  const certificate = identityOf(parseCertificate(der));
  return {
    identity: { source: 'tls', via: undefined, ...certificate, policies: [], resumed: false },
    remoteAddress: '10.0.0.1',
    method: 'GET',
    url: '/reports/7?token=secret#part',
    rule: '{ commonName: "boss" }',
    refusedBy: ['commonName'],
    ...more,
  };
}

describe('forbidden requests', () => {
  test('of one client and one rule share an entry, which shows the last one without its query', () => {
    const record = new ForbiddenRecord();
    const first = event('client1');
    record.add(first, at(0));
    record.add({ ...first, url: '/other?a=b', method: 'POST' }, at(1));
    record.add({ ...first, rule: '{ organizationalUnit: "boss" }' }, at(2));
    expect(record.total).toBe(3);
    expect(record.list).toMatchObject([
      { rule: '{ organizationalUnit: "boss" }', url: '/reports/7', count: 1 },
      { at: at(1), firstAt: at(0), count: 2, method: 'POST', url: '/other', subject: 'CN=client1' },
    ]);
    expect(JSON.stringify(record.list)).not.toMatch(/secret|a=b/);
  });

  test('are at most 50, however many a client causes', () => {
    const record = new ForbiddenRecord();
    const first = event('client1');
    for (let index = 0; index < 1000; index++) record.add({ ...first, rule: `rule ${index}` }, at(0));
    expect([record.total, record.list.length]).toEqual([1000, 50]);
    expect(record.list[0]?.rule).toBe('rule 999');
  });

  test('have short and printable texts', () => {
    const record = new ForbiddenRecord();
    const long = 'x'.repeat(60_000);
    const hostile = {
      url: `/\u202e${long}`,
      method: long,
      rule: long,
      refusedBy: Array<string>(100).fill(long),
    };
    record.add(event(long, hostile), at(0));
    const text = JSON.stringify(record.list);
    expect(text.length).toBeLessThan(2500);
    expect(text).not.toContain('\u202e');
    record.add(event('a', { url: undefined, method: undefined }), at(1));
    expect(record.list[0]).toMatchObject({ url: null, method: null });
  });
});
