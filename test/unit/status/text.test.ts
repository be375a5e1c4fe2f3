import { describe, expect, test } from '@jest/globals';
import { baseName, withoutFolders } from '../../../src/status/text.js';
import { describeSpan } from '../../../src/time-span.js';
import { fastestTurn } from '../../support/cpu-time.js';

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

  test('a long message without a slash is processed quickly', () => {
    const process = (): void => {
      withoutFolders('x'.repeat(200_000));
      withoutFolders('x=/'.repeat(70_000));
    };
    expect(fastestTurn(process, 3)).toBeLessThan(1000);
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
