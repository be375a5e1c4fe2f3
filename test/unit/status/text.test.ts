import { describe, expect, test } from '@jest/globals';
import { baseName, visible, withoutFolders } from '../../../src/status/text.js';
import { describeSpan } from '../../../src/time-span.js';

describe('visible()', () => {
  test.each([
    ['plain text', 'CN=client1', 'CN=client1'],
    ['letters of any script', 'CN=Ζωή 名前 👋', 'CN=Ζωή 名前 👋'],
    ['a line break', 'one\ntwo', 'one\\u{a}two'],
    ['an escape sequence of a terminal', '\u001b[2J', '\\u{1b}[2J'],
    ['a zero', 'a\0b', 'a\\u{0}b'],
    ['what turns the direction', 'ab\u202egnp.exe', 'ab\\u{202e}gnp.exe'],
    ['what has no width', 'pay\u200bpal', 'pay\\u{200b}pal'],
    ['a C1 control', '\u009b31m', '\\u{9b}31m'],
  ])('shows %s', (_what, text, shown) => {
    expect(visible(text, 100)).toBe(shown);
  });

  test('cuts what is too long, and says so', () => {
    expect(visible('x'.repeat(11), 10)).toBe(`${'x'.repeat(9)}…`);
    expect(visible('x'.repeat(10), 10)).toBe('x'.repeat(10));
  });
});

describe('without folders', () => {
  test.each([
    ['/etc/mtls/ca-crl.pem', 'ca-crl.pem'],
    ['certs-dev/ca-crl.pem', 'ca-crl.pem'],
    ['C:\\mtls\\ca-crl.pem', 'ca-crl.pem'],
    ['ca-crl.pem', 'ca-crl.pem'],
    ['options.crl[1].load()', 'options.crl[1].load()'],
  ])('%s is %s', (path, name) => {
    expect(baseName(path)).toBe(name);
    expect(withoutFolders(path)).toBe(name);
  });

  test.each([
    ["ENOENT: no such file, open '/etc/mtls/a.pem'", "ENOENT: no such file, open 'a.pem'"],
    ['/etc/mtls/a.pem: is empty; ./b/c.pem: is not', 'a.pem: is empty; c.pem: is not'],
    ['/one/a.pem: bad\n/two/b.pem: bad', 'a.pem: bad\nb.pem: bad'],
    ['loading https://user:secret@host/crl?token=secret failed', 'loading crl failed'],
    ['the CRL of "CN=a/b,O=\\<c\\>" is old', 'the CRL of "CN=a/b,O=\\<c\\>" is old'],
  ])('the message %s is %s', (message, shown) => {
    expect(withoutFolders(message)).toContain(shown);
    expect(withoutFolders(message)).not.toMatch(/etc|secret|one|two\//);
  });

  test('a long message without a slash takes no time', () => {
    const started = performance.now();
    withoutFolders('x'.repeat(200_000));
    withoutFolders('x=/'.repeat(70_000));
    expect(performance.now() - started).toBeLessThan(1000);
  });
});

test.each([
  [0, '0 seconds'],
  [-5000, '0 seconds'],
  [1000, '1 second'],
  [119_000, '119 seconds'],
  [120_000, '2 minutes'],
  [90 * 60_000, '90 minutes'],
  [47 * 3_600_000, '47 hours'],
  [48 * 3_600_000, '2 days'],
  [400 * 86_400_000, '400 days'],
])('%i ms are %s', (ms, words) => {
  expect(describeSpan(ms)).toBe(words);
});
