import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { formatPem, isDer, parsePem, trimDer } from '../../../src/x509/pem.js';
import { ca } from '../../support/chain.js';
import { pem } from '../../support/der-writer.js';
import { runs } from '../../support/runs.js';
import { failureOf } from './failure.js';

const parse = (text: string): ReturnType<typeof parsePem> => parsePem(Buffer.from(text, 'latin1'), 'ca.pem');
const block = (label: string, body: string): string =>
  `-----BEGIN ${label}-----\n${body}\n-----END ${label}-----\n`;
const hello = { label: 'CERTIFICATE', der: Buffer.from('hello') };
const one = block('CERTIFICATE', 'aGVsbG8=');

describe('blocks are read', () => {
  test.each([
    ['one block', one, [hello]],
    [
      'several, in order',
      one + block('X509 CRL', 'AAAA'),
      [hello, { label: 'X509 CRL', der: Buffer.alloc(3) }],
    ],
    ['lines that end in CRLF', one.replaceAll('\n', '\r\n'), [hello]],
    ['no newline at the end', one.trimEnd(), [hello]],
    [
      'text before, between and after',
      `Subject: CN=a\n${one}# the root - as of 2025\n${one}bye`,
      [hello, hello],
    ],
    ['spaces after the BEGIN line', one.replace('E-----\n', 'E----- \t\n'), [hello]],
    ['a body on several lines, indented', block('CERTIFICATE', '  aGVs\n\n\tbG8='), [hello]],
    [
      'base64 of every digit',
      block('A', 'ABCDwxyzabcd0189+/+/'),
      [{ label: 'A', der: Buffer.from('ABCDwxyzabcd0189+/+/', 'base64') }],
    ],
    ['one padding character', block('A', 'AAA='), [{ label: 'A', der: Buffer.alloc(2) }]],
    ['two padding characters', block('A', 'AA=='), [{ label: 'A', der: Buffer.alloc(1) }]],
  ])('%s', (_name, text, expected) => {
    expect(parse(text)).toEqual(expected);
  });

  test.each([
    ['a heading', '-------- my CA --------'],
    ['a heading of five dashes', '----- end of list -----'],
    ['a heading like a BEGIN line', '------BEGIN MY CAS------'],
    ['a heading with spaces', '----- BEGIN MY CAS -----'],
    ['a line of five dashes', '-----'],
    ['a ruler', '-'.repeat(500)],
    ['a ruler of a table', '+-----+-----+'],
    ['dashes within a line', 'root ----- of all -----'],
    ['a block that is commented out', one.trimEnd().replaceAll(/^/gm, '# ')],
    ['a sentence about PEM', 'paste it after -----BEGIN CERTIFICATE-----'],
    ['one word and dashes', 'ROOT-----'],
    ['what openssl x509 -text writes', 'Certificate:\n    Data:\n        Version: 3 (0x2)'],
    ['what openssl pkcs12 writes', 'Bag Attributes\n    friendlyName: a\nKey Attributes: <No Attributes>'],
  ])('text before, between and after is skipped: %s', (_what, line) => {
    expect(parse(`${line}\n${one}${line}\n${line}\n${one}${line}\n`)).toEqual([hello, hello]);
  });

  test('a ruler may end the file without a newline', () => {
    expect(parse(`${one}------`)).toEqual([hello]);
    expect(parse(`${one}----- end of list -----`)).toEqual([hello]);
  });

  test.each([
    ['a byte order mark', `\xef\xbb\xbf${one}`],
    ['byte order marks of files that were joined', `\xef\xbb\xbf${one}\xef\xbb\xbf${one}`],
    ['lines that end in CR', one.replaceAll('\n', '\r')],
    ['spaces behind every line', one.replaceAll('\n', ' \t\n')],
    ['empty lines', one.replaceAll('\n', '\n\n')],
  ])('%s is no fault', (_what, text) => {
    expect(new Set(parse(text).map(({ der }) => String(der)))).toEqual(new Set(['hello']));
  });

  test('a long text line without dashes at its edges is only text', () => {
    expect(parse(`${'-- - '.repeat(100)}\n${one}`)).toEqual([hello]);
  });
});

test('ten thousand blocks are read, and not one more', () => {
  expect(parse(one.repeat(10_000))).toHaveLength(10_000);
  const { code, message } = failureOf(() => parse(one.repeat(10_001)));
  expect(code).toBe('ERR_MTLS_PEM_INVALID');
  expect(message).toContain('ca.pem: more than 10000 blocks, the maximum for one file (at byte ');
});

test.each<[string, boolean]>([
  ['3003020105', true],
  ['300302010500', false],
  ['30020105', true],
  [`307f${'00'.repeat(127)}`, true],
  [`3080${'00'.repeat(128)}`, false],
  [`308180${'00'.repeat(128)}`, true],
  ['30', false],
  ['', false],
])('%s is DER: %p', (hex, expected) => {
  expect(isDer(Buffer.from(hex, 'hex'))).toBe(expected);
});

describe('what is damaged is refused, with the file and the place', () => {
  const cut =
    'a "CERTIFICATE" block without an END line: the file is truncated or still being written (at byte 0)';
  const base64 = 'a block whose body is not base64';
  const incomplete = 'a block whose base64 is incomplete (at byte 28)';
  test.each([
    ['a block that is cut off in its body', one.slice(0, 32), cut],
    ['a block that is cut off in its end line', one.slice(0, -7), cut],
    ['a block that ends as another', one.replace('END CERTIFICATE', 'END X509 CRL'), cut],
    ['a block that begins in another', one.slice(0, 30) + one, cut],
    [
      'an end without a beginning',
      `x\n-----END CERTIFICATE-----\n`,
      'dashes that do not begin a block (at byte 2)',
    ],
    [
      'an end twice',
      `${one}-----END CERTIFICATE-----\n`,
      `dashes that do not begin a block (at byte ${one.length})`,
    ],
    [
      'dashes at the end',
      `${one}-----`,
      'the beginning of a block at the end: the file is truncated (at byte 68)',
    ],
    ['six dashes', `-${one}`, 'dashes that do not begin a block (at byte 38)'],
    ['four dashes', one.slice(1), 'dashes that do not begin a block (at byte 0)'],
    [
      'four dashes around BEGIN',
      one.replace('-----BEGIN CERTIFICATE-----', '----BEGIN CERTIFICATE----'),
      'dashes that do not begin a block (at byte 0)',
    ],
    [
      'a BEGIN line without its end',
      one.replace('E-----', 'E----'),
      'dashes that do not begin a block (at byte 0)',
    ],
    [
      'a BEGIN line that goes on',
      `-----BEGIN A----- ?\nAAAA\n-----END A-----`,
      'dashes that do not begin a block (at byte 0)',
    ],
    [
      'a BEGIN line at the end of the file',
      '-----BEGIN A-----',
      'a "A" block without an END line: the file is truncated or still being written (at byte 0)',
    ],
    [
      'a label in lower case',
      one.replaceAll('CERTIFICATE', 'certificate'),
      'dashes that do not begin a block (at byte 0)',
    ],
    [
      'a label that is endless',
      block('A'.repeat(41), 'AAAA'),
      'dashes that do not begin a block (at byte 0)',
    ],
    ['a character that base64 lacks', block('CERTIFICATE', 'aGVs_G8='), `${base64} (at byte 32)`],
    ['a character above 0x7f', block('CERTIFICATE', 'aGVs\xe1G8='), `${base64} (at byte 32)`],
    ['a NUL', block('CERTIFICATE', 'aGVs\0G8='), `${base64} (at byte 32)`],
    ['one of the characters beside the letters', block('CERTIFICATE', 'aGV@'), `${base64} (at byte 31)`],
    ['one of the characters beside the digits', block('CERTIFICATE', 'aGV:'), `${base64} (at byte 31)`],
    [
      'a header, as encrypted keys have it',
      block('CERTIFICATE', 'Proc-Type: 4,ENCRYPTED\n\nAAAA'),
      `${base64} (at byte 32)`,
    ],
    ['padding within the body', block('CERTIFICATE', 'AA==AAAA'), `${base64} (at byte 32)`],
    ['an empty body', block('CERTIFICATE', ''), incomplete],
    ['nothing but padding', block('CERTIFICATE', '===='), incomplete],
    ['missing padding', block('CERTIFICATE', 'aGVsbG8'), incomplete],
    ['too much padding', block('CERTIFICATE', 'aGVsbG8=='), incomplete],
    ['three padding characters', block('CERTIFICATE', 'A==='), incomplete],
  ])('%s', (_name, text, message) => {
    const failure = failureOf(() => parse(text));
    expect(failure.code).toBe('ERR_MTLS_PEM_INVALID');
    expect(failure.message).toBe(`ca.pem: ${message}; write the file again`);
  });

  test.each([
    ['', 'ca.pem: it is empty; expected PEM ("-----BEGIN …-----") or DER'],
    ['\n', 'ca.pem: no PEM block was found; expected PEM ("-----BEGIN …-----") or DER'],
    ['aGVsbG8=', 'ca.pem: no PEM block was found; expected PEM ("-----BEGIN …-----") or DER'],
  ])('a file without a block: %j', (text, message) => {
    expect(failureOf(() => parse(text))).toMatchObject({ code: 'ERR_MTLS_PEM_INVALID', message });
  });

  test('a good block before a bad one does not save the file', () => {
    expect(failureOf(() => parse(one + one.slice(0, 40))).message).toContain(`(at byte ${one.length})`);
  });

  const crl = block('X509 CRL', 'AAAA');
  test.each([
    ['two blocks', one, crl],
    ['blocks of Windows', one, crl.replaceAll('\n', '\r\n')],
    ['blocks of old Macs', one.replaceAll('\n', '\r'), crl.replaceAll('\n', '\r')],
    ['files with byte order marks, joined', `\xef\xbb\xbf${one}`, `\xef\xbb\xbf${crl}`],
    ['blocks with text of dashes before each', `-------- my CA --------\n${one}`, crl],
    ['a trusted certificate', one, block('TRUSTED CERTIFICATE', 'AAAA')],
    [
      'an encrypted key',
      one,
      block('EC PRIVATE KEY', 'Proc-Type: 4,ENCRYPTED\nDEK-Info: DES-CBC,00\n\nAAAA'),
    ],
  ])('a file that is truncated anywhere but in its last newline is rejected: %s', (_what, first, second) => {
    const text = first + second;
    const begin = first.length + second.indexOf('-');
    for (let length = first.indexOf('-----BEGIN') + 1; length < text.trimEnd().length; length++) {
      // Exactly one block: that is what a file of one block would be, too.
      if (length >= first.trimEnd().length && length <= begin) continue;
      expect(failureOf(() => parse(text.slice(0, length))).code).toBe('ERR_MTLS_PEM_INVALID');
    }
    expect(parse(text)).toHaveLength(2);
  });

  test('a file whose beginning was lost is refused, as long as anything but dashes is left of a block', () => {
    for (const lost of [one, crl, block('TRUSTED CERTIFICATE', 'AAAA'), block('EC PRIVATE KEY', 'AAAA')]) {
      const text = lost + one;
      for (let start = 1; start < lost.length - 6; start++)
        expect(failureOf(() => parse(text.slice(start))).code).toBe('ERR_MTLS_PEM_INVALID');
    }
  });

  test('a file that was partly overwritten by a shorter one is rejected', () => {
    const old = one.repeat(2);
    for (let length = one.length + 1; length < old.length - 6; length++)
      expect(failureOf(() => parse(one + old.slice(length))).code).toBe('ERR_MTLS_PEM_INVALID');
  });

  // OpenSSL reads BEGIN and END at the start of a line alone, so that the two would see different files.
  test.each([
    ['a BEGIN line behind a comment sign', `# ${one}`],
    ['a BEGIN right after an END', one.trimEnd() + one],
    ['a file cut within the dashes of its second BEGIN', `${one}----`],
  ])('%s is refused', (_name, text) => {
    expect(failureOf(() => parse(text)).code).toBe('ERR_MTLS_PEM_INVALID');
  });
});

describe('writing', () => {
  test('lines have 64 characters, as every other program writes them', () => {
    const der = Buffer.alloc(49, 0x5a);
    expect(formatPem({ label: 'CERTIFICATE', der })).toBe(pem('CERTIFICATE', der));
    const { der: certificate, x509 } = ca();
    expect(formatPem({ label: 'CERTIFICATE', der: certificate })).toBe(x509.toString());
  });

  test('what was written is read back', () => {
    const label = fc.constantFrom('CERTIFICATE', 'X509 CRL', 'PRIVATE KEY');
    const der = fc.uint8Array({ minLength: 1, maxLength: 300 }).map((bytes) => Buffer.from(bytes));
    fc.assert(
      fc.property(
        fc.array(fc.record({ label, der }, { noNullPrototype: true }), { minLength: 1 }),
        (blocks) => {
          expect(parse(blocks.map(formatPem).join('some text\n'))).toEqual(blocks);
        },
      ),
    );
  });
});

test('DER is distinguished from PEM by its first two bytes', () => {
  const root = ca();
  expect(isDer(root.der)).toBe(true);
  expect(isDer(root.crl().der)).toBe(true);
  expect(isDer(Buffer.from(root.pem))).toBe(false);
  expect(isDer(Buffer.from('0 as a first character'))).toBe(false);
  expect(isDer(Buffer.from([0x30]))).toBe(false);
  expect(isDer(Buffer.alloc(0))).toBe(false);
});

describe('a body of many lines', () => {
  const der = Buffer.from(Array.from({ length: 1000 }, (_, index) => (index * 37) & 0xff));

  /** The bytes of a body by the strict grammar of RFC 7468; `undefined` if it is invalid. */
  function decodeStrictly(body: string): Buffer | undefined {
    const digits = body.replaceAll(/[ \t\r\n]/g, '');
    if (digits.length === 0 || digits.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(digits))
      return undefined;
    return Buffer.from(digits, 'base64');
  }

  test('is read by the grammar, with any byte changed', () => {
    const body = (width: number): string =>
      der.toString('base64').replaceAll(new RegExp(`.{1,${width}}`, 'g'), '$&\n');
    const bodies = fc
      .tuple(fc.constantFrom(64, 63, 65, 76), fc.double({ min: 0, max: 0.999, noNaN: true }))
      .map(([width, place]) => ({ text: body(width), place }));
    const byte = fc.oneof(fc.constantFrom(...'\n \r\t=_-!A/'), fc.constant(''), fc.constant('\n\n'));
    fc.assert(
      fc.property(bodies, byte, ({ text, place }, replacement) => {
        const offset = Math.floor(place * text.length);
        const changed = text.slice(0, offset) + replacement + text.slice(offset + 1);
        const pem = `-----BEGIN X509 CRL-----\n${changed}-----END X509 CRL-----\n`;
        fc.pre(changed.endsWith('\n'));
        let read: Buffer | undefined;
        try {
          read = parse(pem)[0]?.der;
        } catch {
          read = undefined;
        }
        expect(read?.toString('hex')).toBe(decodeStrictly(changed)?.toString('hex'));
      }),
      { numRuns: runs(200) },
    );
  });
});

test.each([
  ['a BEGIN line behind a comment sign', one + `# ${one}`, 'dashes that do not begin a block (at byte 102)'],
  [
    'an END line that goes on',
    `${one.trimEnd()}x\n`,
    `a block with text after its END line (at byte ${one.length - 1})`,
  ],
  ['an END line that goes on after a space', `${one.trimEnd()} x`, 'a block with text after its END line'],
  ['a BEGIN right after an END', one.trimEnd() + one, 'a block with text after its END line'],
  [
    'a file cut within the dashes of its second BEGIN',
    `${one}----`,
    `the beginning of a block at the end: the file is truncated (at byte ${one.length + 4})`,
  ],
])('%s is refused with the reason', (_name, text, message) => {
  expect(failureOf(() => parse(text)).message).toContain(`ca.pem: ${message}`);
});

test('spaces may stand behind an END line', () => {
  expect(parse(`${one.trimEnd()} \t\r\n${one}`)).toEqual([hello, hello]);
});

test.each([
  ['text with a byte order mark', 'efbbbf2d'],
  ['BER of an indefinite length', '3080'],
  ['a SEQUENCE of 127 bytes', '307f'],
])('%s is not DER', (_name, hex) => {
  expect(isDer(Buffer.from(hex, 'hex'))).toBe(false);
});

test('a SEQUENCE of 128 bytes is DER', () => {
  expect(isDer(Buffer.from('308180', 'hex'))).toBe(true);
});

test('a line of 64 digits before a longer one is read', () => {
  const der = Buffer.from(Array.from({ length: 192 }, (_, index) => index));
  const digits = der.toString('base64');
  const body = `${digits.slice(0, 64)}\n${digits.slice(64)}`;
  expect(parse(block('CERTIFICATE', body))).toEqual([{ label: 'CERTIFICATE', der }]);
});

test('a last line of text may begin with a dash', () => {
  expect(parse(`${one}-a\n`)).toEqual([hello]);
});

describe('the headers of a private key', () => {
  const headers = 'Proc-Type: 4,ENCRYPTED\nDEK-Info: DES-CBC,00';
  const text = block('EC PRIVATE KEY', `${headers}\n\naGVsbG8=`);
  const expected = { label: 'EC PRIVATE KEY', der: Buffer.from('hello'), headers };

  test.each([
    ['LF', text],
    ['CRLF', text.replaceAll('\n', '\r\n')],
    ['CR', text.replaceAll('\n', '\r')],
    ['a line of spaces behind them', text.replace('\n\n', '\n \t\n')],
  ])('are read, with lines that end in %s', (_end, given) => {
    expect(parse(given)).toEqual([expected]);
  });

  test('are written back', () => {
    expect(formatPem(expected)).toBe(text);
    expect(parse(one)).toStrictEqual([hello]);
  });

  test.each([
    ['of a certificate', text.replaceAll('EC PRIVATE KEY', 'CERTIFICATE')],
    ['of a key of no kind', text.replaceAll('EC PRIVATE KEY', 'PRIVATE KEY')],
    ['without an empty line behind them', text.replace('\n\n', '\n')],
    ['that go on for ever', text.replace('DEK', `X: ${'a'.repeat(1000)}\nDEK`)],
    ['without a name', text.replace('DEK-Info', '')],
    ['with letters that are not ASCII', text.replace('DES', 'D\xc9S')],
  ])('are refused: %s', (_what, given) => {
    expect(failureOf(() => parse(given)).message).toContain('a block whose body is not base64');
  });
});

describe('DER with a line end behind it', () => {
  const long = ca().der;
  const short = Buffer.from('3003020105', 'hex');
  const middle = Buffer.concat([Buffer.from('308180', 'hex'), Buffer.alloc(128)]);

  test.each([
    ['LF', '\n'],
    ['CRLF', '\r\n'],
  ])('is without its %s', (_what, end) => {
    for (const der of [long, short, middle])
      expect(trimDer(Buffer.concat([der, Buffer.from(end)]))).toEqual(der);
  });

  test.each(['', '\r', '\n\n', ' ', '\0', '\n0', '\r\n0'])('is as it was with %j', (end) => {
    for (const der of [long, short, middle]) {
      const given = Buffer.concat([der, Buffer.from(end)]);
      expect(trimDer(given)).toEqual(given);
    }
  });

  test.each([
    '',
    '30',
    '3080',
    '30800a',
    '3082',
    '308203',
    '30850000000001ff0a',
    '310205000a',
    '308400000001ff',
    '30830a',
  ])('is as it was where %s is no DER', (hex) => {
    expect(trimDer(Buffer.from(hex, 'hex')).toString('hex')).toBe(hex);
  });
});
