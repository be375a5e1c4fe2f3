import { EventEmitter } from 'node:events';
import { describe, expect, test } from '@jest/globals';
import { type Mtls } from 'express-mtls';
import { History, RefusalRecord } from '../../../src/status/history.js';
import { type RefusedEvent } from '../../../src/gate/events.js';
import { refuse, type RefusalReason } from '../../../src/judgement/refusal.js';
import { identityOf } from '../../../src/identity/client-identity.js';
import { parseCertificate } from '../../../src/x509/certificate.js';
import { ca } from '../../support/chain.js';

const strangers: readonly RefusalReason[] = ['no-certificate', 'untrusted'];
const root = ca('root');

function client(commonName: string): RefusedEvent['identity'] {
  const { der } = root.client({ commonName });
  return {
    source: 'tls',
    via: undefined,
    ...identityOf(parseCertificate(der)),
    policies: [],
    resumed: false,
  };
}

function refusal(
  reason: RefusalReason,
  remoteAddress: string,
  identity?: RefusedEvent['identity'],
): RefusedEvent {
  const circumstances = { remoteAddress, tlsVersion: 'TLSv1.3', resumed: false };
  return { ...refuse(reason, `from ${remoteAddress}`), identity, ...circumstances };
}

const at = (second: number): string => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();

describe('the last refusals', () => {
  test('keep those of clients, however many strangers are refused', () => {
    const record = new RefusalRecord(strangers);
    const revoked = client('client2');
    record.add(refusal('revoked', '10.0.0.1', revoked), at(0));
    for (let index = 0; index < 10_000; index++) {
      const address = `10.1.${index >> 8}.${index & 255}`;
      record.add(refusal('no-certificate', address), at(1 + index));
    }
    expect(record.total).toBe(10_001);
    expect(record.byReason).toEqual({ revoked: 1, 'no-certificate': 10_000 });
    expect(record.list).toHaveLength(26);
    expect(record.list[0]).toMatchObject({ remoteAddress: '10.1.39.15', reason: 'no-certificate' });
    expect(record.list[25]).toMatchObject({ subject: 'CN=client2', reason: 'revoked' });
  });

  test('share a line per address, whatever certificates it presents', () => {
    const record = new RefusalRecord(strangers);
    const made = [client('a'), client('b')];
    for (let index = 0; index < 100; index++)
      record.add(refusal('untrusted', '10.0.0.1', made[index % 2]), at(index));
    record.add(refusal('no-certificate', '10.0.0.1'), at(100));
    record.add(refusal('untrusted', '10.0.0.2', made[0]), at(101));
    expect(record.list).toMatchObject([
      { remoteAddress: '10.0.0.2', count: 1 },
      { remoteAddress: '10.0.0.1', reason: 'no-certificate', count: 1, subject: null, serialNumber: null },
      { remoteAddress: '10.0.0.1', count: 100, subject: 'CN=b', firstAt: at(0), at: at(99) },
    ]);
  });

  test('share a line per IPv6 network, whose addresses belong to one host', () => {
    const record = new RefusalRecord(strangers);
    record.add(refusal('no-certificate', '2001:db8::1'), at(0));
    record.add(refusal('no-certificate', '2001:db8::2'), at(1));
    expect(record.list).toMatchObject([{ count: 2, remoteAddress: '2001:db8::2' }]);
  });

  test('share a line per client, not per address', () => {
    const record = new RefusalRecord(strangers);
    const [one, two] = [client('one'), client('two')];
    record.add(refusal('revoked', '10.0.0.1', one), at(0));
    record.add(refusal('revoked', '10.0.0.1', two), at(1));
    record.add(refusal('revoked', '10.0.0.2', one), at(2));
    expect(record.list).toMatchObject([
      { subject: 'CN=one', count: 2, remoteAddress: '10.0.0.2' },
      { subject: 'CN=two', count: 1 },
    ]);
  });

  test('are at most 50, even if all were clients', () => {
    const record = new RefusalRecord([]);
    const clients = Array.from({ length: 60 }, (_, index) => client(`client${index}`));
    for (const [index, identity] of clients.entries())
      record.add(refusal('expired', '10.0.0.1', identity), at(index));
    expect(record.list).toHaveLength(50);
    expect(record.list[0]).toMatchObject({ subject: 'CN=client59' });
    expect(record.list[49]).toMatchObject({ subject: 'CN=client10' });
  });

  test('drop the least recently updated line', () => {
    const record = new RefusalRecord(strangers);
    for (let index = 0; index < 25; index++)
      record.add(refusal('no-certificate', `10.0.0.${index}`), at(index));
    record.add(refusal('no-certificate', '10.0.0.0'), at(25));
    record.add(refusal('no-certificate', '10.0.1.0'), at(26));
    const shown = record.list.map(({ remoteAddress }) => remoteAddress);
    expect(shown).toHaveLength(25);
    expect(shown.slice(0, 3)).toEqual(['10.0.1.0', '10.0.0.0', '10.0.0.24']);
    expect(shown).not.toContain('10.0.0.1');
  });

  test('escape invisible characters in details', () => {
    const record = new RefusalRecord(strangers);
    record.add({ ...refusal('untrusted', '10.0.0.1'), detail: 'a\u202e\u001b[2J' }, at(0));
    expect(record.list).toMatchObject([{ detail: 'a\\u{202e}\\u{1b}[2J' }]);
  });

  test('have short names, whatever is in the certificate', () => {
    const record = new RefusalRecord(strangers);
    record.add(refusal('revoked', '10.0.0.1', client('x'.repeat(60_000))), at(0));
    expect(JSON.stringify(record.list).length).toBeLessThan(700);
  });
});

test('certificates that anyone can make share one line, also where only proxies may connect', () => {
  const emitter = new EventEmitter();
  const { refusals } = new History(emitter as unknown as Mtls, { now: () => 0, sources: 'names' });
  for (let number = 0; number < 5; number++)
    emitter.emit('refused', refusal('not-a-proxy', '127.0.0.1', client(`stranger ${number}`)));
  expect(refusals.list).toMatchObject([{ reason: 'not-a-proxy', count: 5 }]);
});
