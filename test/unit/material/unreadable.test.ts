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
