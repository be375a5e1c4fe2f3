import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { MtlsError } from '../../../src/errors.js';
import {
  createRow,
  formatCrlNumber,
  formatRows,
  parseCrlNumber,
  parseRows,
  revokeRow,
} from '../../../src/dev-ca/database.js';
import { commonNameOf, formatOneline } from '../../../src/dev-ca/oneline.js';
import { DistinguishedName } from '../../../src/x509/distinguished-name.js';

const notAfter = new Date('2031-05-06T07:08:09Z');
const revokedAt = new Date('2030-01-02T03:04:05Z');
const file = 'ca-database.txt';

function nameOf(subject: { organization?: string; commonName: string }): DistinguishedName {
  const der = Buffer.alloc(0);
  const { organization, commonName } = subject;
  return new DistinguishedName([
    ...(organization === undefined ? [] : [[{ type: '2.5.4.10', value: organization, der }]]),
    [{ type: '2.5.4.3', value: commonName, der }],
  ]);
}

describe('the rows of the database', () => {
  test('a row has the format of OpenSSL', () => {
    const row = createRow('abc', notAfter, nameOf({ commonName: 'client1', organization: 'Exämple' }));
    expect(formatRows([row])).toBe('V\t310506070809Z\t\t0ABC\tunknown\t/O=Ex\\xC3\\xA4mple/CN=client1\n');
  });

  test('a revoked row has the time and, where one was given, the reason', () => {
    const row = createRow('0abc', notAfter, nameOf({ commonName: 'c' }));
    expect(revokeRow(row, revokedAt, undefined).fields.slice(0, 3)).toEqual([
      'R',
      '310506070809Z',
      '300102030405Z',
    ]);
    expect(revokeRow(row, revokedAt, 'cACompromise').fields[2]).toBe('300102030405Z,CACompromise');
  });

  test('formatting and parsing are inverse', () => {
    const row = createRow('0abc', new Date('2060-01-01T00:00:00Z'), nameOf({ commonName: 'client1' }));
    const rows = [
      row,
      revokeRow(createRow('12', notAfter, nameOf({ commonName: 'x' })), revokedAt, 'superseded'),
    ];
    expect(parseRows(formatRows(rows), file)).toEqual(rows);
  });

  test.each([
    ['holdInstruction,1.2.840.10040.2.3', 'certificateHold'],
    ['keyTime,20300101000000Z', 'keyCompromise'],
    ['CAkeyTime,20300101000000Z', 'cACompromise'],
    ['KEYCOMPROMISE', 'keyCompromise'],
  ])('a reason written by openssl ca is parsed and kept: %s', (written, reason) => {
    const line = `R\t310506070809Z\t300102030405Z,${written}\t01\tunknown\t/CN=x\n`;
    const rows = parseRows(line, file);
    expect(rows[0]?.reason).toBe(reason);
    expect(formatRows(rows)).toBe(line);
  });

  test.each([
    ['too few fields', 'V\t310506070809Z\t\t01\tunknown'],
    ['an unknown status', 'X\t310506070809Z\t\t01\tunknown\t/CN=x'],
    ['no time of expiry', 'V\tsoon\t\t01\tunknown\t/CN=x'],
    ['a day that does not exist', 'V\t310536070809Z\t\t01\tunknown\t/CN=x'],
    ['a revocation without its time', 'R\t310506070809Z\t\t01\tunknown\t/CN=x'],
    ['a time of revocation on a valid row', 'V\t310506070809Z\t300102030405Z\t01\tunknown\t/CN=x'],
    ['an unknown reason', 'R\t310506070809Z\t300102030405Z,whim\t01\tunknown\t/CN=x'],
    ['no serial number', 'V\t310506070809Z\t\t\tunknown\t/CN=x'],
  ])('a line with %s is rejected and named', (_, line) => {
    expect(() => parseRows(`V\t310506070809Z\t\t77\tunknown\t/CN=y\n${line}\n`, file)).toThrow(
      /ca-database\.txt line 2 is not a row/,
    );
  });

  test('a duplicate serial number is rejected', () => {
    const row = createRow('01', notAfter, nameOf({ commonName: 'x' }));
    expect(() => parseRows(formatRows([row, row]), file)).toThrow(/line 2 is a second row/);
  });

  test('any text is parsed as rows or throws an MtlsError', () => {
    const field = fc.constantFrom('V', 'R', '', '310506070809Z', '\t', '\n', '01', ',', '\\', '/CN=', '\r');
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(field).map((parts) => parts.join('\t')),
        ),
        (text) => {
          try {
            parseRows(text, file);
          } catch (error) {
            expect(error).toBeInstanceOf(MtlsError);
          }
        },
      ),
    );
  });
});

describe('the number of the next CRL', () => {
  test.each([
    [1n, '01\n'],
    [255n, 'FF\n'],
    [256n, '0100\n'],
  ])('%s is formatted in hexadecimal with an even number of digits', (number, text) => {
    expect(formatCrlNumber(number)).toBe(text);
    expect(parseCrlNumber(text, 'ca-crlnumber.txt')).toBe(number);
  });

  test.each(['', 'next', '-1', '0x1', '1'.repeat(41)])('%j is rejected', (text) => {
    expect(() => parseCrlNumber(text, 'ca-crlnumber.txt')).toThrow(MtlsError);
  });
});

describe('the one-line form of a subject', () => {
  test('any commonName without a backslash survives a round trip', () => {
    const name = fc.string({ minLength: 1, unit: 'grapheme' }).filter((text) => !text.includes('\\'));
    fc.assert(
      fc.property(name, (commonName) => {
        expect(commonNameOf(formatOneline(nameOf({ organization: 'o', commonName })))).toBe(commonName);
      }),
    );
  });

  test('separators are escaped within a value', () => {
    const subject = nameOf({ organization: 'a/CN=b', commonName: 'c/O=d+e' });
    expect(formatOneline(subject)).toBe('/O=a\\/CN=b/CN=c\\/O=d\\+e');
    expect(commonNameOf(formatOneline(subject))).toBe('c/O=d+e');
  });

  test.each([String.raw`\x0Aalice`, String.raw`\x1B[2J`, String.raw`\x61lice`])(
    'the commonName %s is not unescaped',
    (commonName) => {
      expect(commonNameOf(formatOneline(nameOf({ commonName })))).toBe(commonName);
    },
  );

  test('a subject without a commonName yields undefined', () => {
    expect(commonNameOf('/O=Example')).toBeUndefined();
    expect(commonNameOf('/C=DE/CN=x/emailAddress=x@example.com')).toBe('x');
  });
});
