import { resolve } from 'node:path';
import { expect, test } from '@jest/globals';
import { unreadable } from '../../../src/material/unreadable.js';

test.each([
  ['EMFILE', 'this process has reached its limit of open files and connections', /ulimit -n, LimitNOFILE=/],
  ['ENFILE', 'this machine has reached its limit of open files', /fs\.file-max/],
  ['EACCES', 'this process may not read it', /owner and mode/],
  ['EFBIG', 'it is larger than 2 GiB, the maximum', /split it/],
  ['EISDIR', 'it is a directory or a device; a file was expected', /specify a file/],
])('the error for a file that cannot be read because of %s says why, and what to do', (code, why, remedy) => {
  const cause = Object.assign(new Error(code), { code });
  expect(unreadable('/etc/tls/ca-crl.pem', 'crl', cause)).toMatchObject({
    code: 'ERR_MTLS_SOURCE_UNREADABLE',
    source: 'options.crl',
    seen: `cannot read "/etc/tls/ca-crl.pem" (${code}): ${why}`,
    remedy: expect.stringMatching(remedy) as unknown,
    cause,
  });
});

test('a file that the permission model hides has the flag as its remedy', () => {
  const cause = Object.assign(new Error('Access to this API has been restricted'), {
    code: 'ERR_ACCESS_DENIED',
  });
  expect(unreadable('certs/ca.pem', 'ca', cause)).toMatchObject({
    code: 'ERR_MTLS_SOURCE_UNREADABLE',
    seen: 'cannot read "certs/ca.pem" (ERR_ACCESS_DENIED): the permission model of Node does not allow it',
    remedy: `start Node with --allow-fs-read=${resolve('certs/ca.pem')}, or better with its directory, in which files are replaced`,
  });
});

test('an error without a code is shown, and of a text that is no path it is not', () => {
  const cause = new TypeError('Symbol.asyncDispose is not defined.');
  expect(unreadable('ca.pem', 'ca', cause).message).toBe(
    'options.ca: cannot read "ca.pem" (TypeError: Symbol.asyncDispose is not defined.)',
  );
  const key = `-----BEGIN PRIVATE KEY-----\\n${'A'.repeat(64)}`;
  const { message } = unreadable(key, 'key', new TypeError(`no ${key}`));
  expect(message).toContain('(unknown error)');
  expect(message).not.toContain('AAAA');
});
