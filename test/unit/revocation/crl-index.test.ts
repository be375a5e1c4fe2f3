import { describe, expect, test } from '@jest/globals';
import { CrlIndex, packEntries } from '../../../src/revocation/crl-index.js';
import { type RevocationReason } from '../../../src/x509/crl-entry.js';
import { parseCrl } from '../../../src/x509/crl.js';
import { type DistinguishedName } from '../../../src/x509/distinguished-name.js';
import { ca, largeCrl } from '../../support/chain.js';
import type { CrlOptions, RevokedEntry } from '../../support/crl.js';
import { oid, sequence, set, text } from '../../support/der-writer.js';
import { distinguishedName } from '../../support/names.js';
import { failureOf } from '../x509/failure.js';
import { read } from '../../support/lists.js';

const root = ca('root');

function index(options: CrlOptions): CrlIndex {
  return new CrlIndex(packEntries(parseCrl(root.crl(options).der)));
}

function serial(hex: string): Buffer {
  return Buffer.from(hex, 'hex');
}

/** The Name `CN=<commonName>` in DER, and as the engine reads it. */
function issuer(commonName: string): { der: Buffer; name: DistinguishedName } {
  const { der, subject } = { der: distinguishedName({ commonName }), subject: read(ca(commonName)).subject };
  return { der, name: subject };
}

describe('the entry of a certificate', () => {
  test.each<RevocationReason>([
    'unspecified',
    'keyCompromise',
    'cACompromise',
    'affiliationChanged',
    'superseded',
    'cessationOfOperation',
    'certificateHold',
    'removeFromCRL',
    'privilegeWithdrawn',
    'aACompromise',
  ])('has the reason %s and the date', (reason) => {
    const date = new Date('2024-02-29T12:34:56Z');
    const entry = { serial: '0a', date, reason } as RevokedEntry;
    const listed = index({ revoked: [{ serial: '09' }, entry, { serial: '0b' }] });
    expect(listed.find(serial('0a'))).toEqual({ reason, revocationDate: date });
    expect(listed.find(serial('0c'))).toBeUndefined();
  });

  test('without a reason is unspecified, even if the previous entry has one', () => {
    const listed = index({ revoked: [{ serial: '09', reason: 'keyCompromise' }, { serial: '0a' }] });
    expect(listed.find(serial('0a'))?.reason).toBe('unspecified');
  });

  test.each([
    ['1950-01-01T00:00:00Z', '1970-01-01T00:00:00Z'],
    ['1969-12-31T23:59:59Z', '1970-01-01T00:00:00Z'],
    ['1970-01-01T00:00:01Z', '1970-01-01T00:00:01Z'],
    ['2038-01-19T03:14:08Z', '2038-01-19T03:14:08Z'],
    ['2106-02-07T06:28:15Z', '2106-02-07T06:28:15Z'],
    ['2106-02-07T06:28:16Z', '2106-02-07T06:28:15Z'],
    ['9999-12-31T23:59:59Z', '2106-02-07T06:28:15Z'],
  ])('with the date %s is reported with the date %s', (date, kept) => {
    const listed = index({ revoked: [{ serial: '0a', date: new Date(date) }] });
    expect(listed.find(serial('0a'))?.revocationDate).toEqual(new Date(kept));
  });

  test('can have a serial number of any length', () => {
    const serials = Array.from({ length: 40 }, (_, length) => serial('7f'.repeat(length + 1)));
    const listed = index({ revoked: serials.map((content) => ({ serial: content })) });
    for (const content of serials) expect(listed.find(content)).toBeDefined();
    expect(listed.find(serial('7f'.repeat(41)))).toBeUndefined();
  });

  test.each([
    ['ff', '00ff'],
    ['00ff', 'ff'],
    ['80', '0080'],
  ])('for %s does not affect %s: a negative number is a different number', (content, other) => {
    const listed = index({ revoked: [{ serial: serial(content) }] });
    expect(listed.find(serial(content))).toBeDefined();
    expect(listed.find(serial(other))).toBeUndefined();
  });

  test('does not exist in an empty CRL', () => {
    expect(index({}).find(serial('0a'))).toBeUndefined();
    expect(index({}).data.issuers).toEqual([]);
  });

  const hold = { serial: '0a', reason: 'certificateHold' } as const;
  const lift = { serial: '0a', reason: 'removeFromCRL' } as const;
  test.each([
    ['after', [hold, lift]],
    ['before', [lift, hold]],
    ['both before and after', [lift, hold, lift]],
  ])('that revokes takes precedence if a removeFromCRL is %s it', (_where, revoked) => {
    expect(index({ revoked }).find(serial('0a'))?.reason).toBe('certificateHold');
  });

  test('with removeFromCRL alone is reported as such', () => {
    expect(index({ revoked: [lift] }).find(serial('0a'))?.reason).toBe('removeFromCRL');
  });
});

describe('the entries of an indirect CRL', () => {
  const east = issuer('east');
  const west = issuer('west');
  const listed = index({
    idp: { indirect: true },
    revoked: [
      { serial: '01' },
      { serial: '02', certificateIssuer: east.der },
      { serial: '03', reason: 'superseded' },
      { serial: '04', certificateIssuer: west.der },
      { serial: '05', certificateIssuer: root.subject },
      { serial: '06' },
      { serial: '07', certificateIssuer: east.der },
    ],
  });

  test.each<[string, DistinguishedName | undefined, string[]]>([
    ['the CRL’s own issuer', undefined, ['01', '05', '06']],
    ['the issuer that an entry names, and those after it that name none', east.name, ['02', '03', '07']],
    ['another issuer', west.name, ['04']],
    ['an issuer that it does not name', issuer('north').name, []],
  ])('for %s are only those of that issuer', (_whose, name, expected) => {
    const all = ['01', '02', '03', '04', '05', '06', '07'];
    expect(all.filter((hex) => listed.find(serial(hex), name))).toEqual(expected);
  });

  test('match an issuer in another spelling of its name', () => {
    const spelt = sequence(set(sequence(oid('2.5.4.3'), text('printable', ' EAST '))));
    const other = index({ idp: { indirect: true }, revoked: [{ serial: '0a', certificateIssuer: spelt }] });
    expect(other.find(serial('0a'), east.name)).toBeDefined();
  });

  test('match the issuer of the CRL in another spelling of its name', () => {
    const spelt = sequence(set(sequence(oid('2.5.4.3'), text('printable', 'ROOT'))));
    const other = index({ idp: { indirect: true }, revoked: [{ serial: '0a', certificateIssuer: spelt }] });
    expect(other.find(serial('0a'))).toBeDefined();
  });

  test('can have the same serial number in several lengths', () => {
    const several = index({
      idp: { indirect: true },
      revoked: [
        { serial: '0a', certificateIssuer: east.der },
        { serial: '0b0b' },
        { serial: '0c' },
        { serial: '0a', certificateIssuer: west.der },
      ],
    });
    expect(['0a', '0b0b', '0c'].filter((hex) => several.find(serial(hex), east.name))).toHaveLength(3);
    expect(['0a', '0b0b', '0c'].filter((hex) => several.find(serial(hex), west.name))).toEqual(['0a']);
  });

  test('one that names more issuers than any real one is refused', () => {
    const revoked = Array.from({ length: 4097 }, (_, number) => ({
      serial: '0a',
      certificateIssuer: distinguishedName({ commonName: number.toString(36) }),
    }));
    const { code, message } = failureOf(() => index({ idp: { indirect: true }, revoked }));
    expect(code).toBe('ERR_MTLS_CRL_UNSUPPORTED');
    expect(message).toContain('split it by issuer');
  });
});

test('of 20,000 serial numbers every one is found, and of 20,000 others none', () => {
  const entries = 20_000;
  const crl = largeCrl(root, { entries, reason: 'keyCompromise' });
  const listed = new CrlIndex(packEntries(parseCrl(crl.der)));
  const inList = new Set<string>();
  for (let number = 0; number < entries; number++) inList.add(padded(crl.serialAt(number)));
  let wrong = 0;
  for (let number = 0; number < 2 * entries; number++) {
    const hex = padded(crl.serialAt(number));
    if ((listed.find(serial(hex)) !== undefined) !== inList.has(hex)) wrong++;
  }
  expect(wrong).toBe(0);
});

function padded(hex: string): string {
  return hex.padStart(32, '0');
}
