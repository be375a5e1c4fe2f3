import { expect, test } from '@jest/globals';
import { checkKey } from '../../../src/sources/crl-store.js';

test.each(['a', 'A-z_0', 'a'.repeat(64)])('"%s" can be the key of a CRL', (key) => {
  expect(() => {
    checkKey(key);
  }).not.toThrow();
});

test.each(['', 'a b', 'a/b', 'a.b', 'ä', 'a\n', 'a'.repeat(65)])('%j cannot', (key) => {
  expect(() => {
    checkKey(key);
  }).toThrow(
    expect.objectContaining({
      code: 'ERR_MTLS_OPTION_INVALID',
      expected: 'at most 64 letters, digits, "_" and "-"',
    }),
  );
});
