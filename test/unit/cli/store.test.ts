import { describe, expect, test } from '@jest/globals';
import { runCommand } from '../../support/command.js';

describe('a store that cannot be used', () => {
  test.each([
    [
      'no URL',
      [],
      /no store was named; name it with --at URL, or in the environment variable EXPRESS_MTLS_STORE/,
    ],
    ['no URL at all', ['--at', 'store.internal:secret'], /the store has the scheme "store.internal:"/],
    ['another scheme', ['--at', 'https://user:secret@store'], /scheme "https:"; expected redis:/],
    [
      'no answer',
      ['--at', 'redis://user:secret@127.0.0.1:1'],
      /^ERR_MTLS_STORE_FAILED: redis: connecting failed: connect ECONNREFUSED/,
    ],
    [
      'a URL without a host',
      ['--at', 'redis:store'],
      /^error: the URL of the store has no "\/\/"; expected redis:/,
    ],
    ['no answer', ['--at', 'postgres://user:secret@127.0.0.1:1/db'], /^ERR_MTLS_STORE_FAILED: postgres: /],
    [
      'no answer',
      ['--at', 'nats://user:secret@127.0.0.1:1'],
      /^ERR_MTLS_STORE_FAILED: nats: connecting failed/,
    ],
  ])('%s: exit code 3, and the password is not printed', async (_, args, message) => {
    for (const more of [[], ['--json']]) {
      const { code, out, err } = await runCommand(['fleet', ...args, ...more]);
      expect(code).toBe(3);
      expect(out).toBe('');
      expect(err).not.toContain('secret');
      if (more.length === 0) expect(err).toMatch(message);
    }
  });
});

test.each(['publish', 'fleet', 'revoke'])('%s --help has an example for each kind of store', async (name) => {
  const { out } = await runCommand([name, '--help']);
  expect(out).toContain('redis://');
  expect(out).toContain('postgres://');
  expect(out).toContain('nats://');
});
