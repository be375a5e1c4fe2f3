/**
 * `express-mtls inspect`, of files that take seconds.
 *
 * @module
 */
import { expect, test } from '@jest/globals';
import { formatPem } from '../../../src/x509/pem.js';
import { ca, largeCrl } from '../../support/chain.js';
import { runCommand } from '../../support/command.js';
import { startCpuClock } from '../../support/cpu-time.js';
import { temporaryDirectory, writeMaterial } from '../../support/files.js';
import { pkcs12 } from '../../support/pkcs12.js';

const directory = temporaryDirectory();
const root = ca('root');

test('a CRL with 200,000 entries is read quickly', async () => {
  const large = largeCrl(root, { entries: 200_000, reason: 'superseded' });
  const { crl } = writeMaterial(directory, { crl: large.pem });
  const cpuTime = startCpuClock();
  const { code, out } = await runCommand(['inspect', crl, '--find', large.serialAt(199_999)]);
  expect(code).toBe(1);
  expect(out).toContain('  Revokes      200,000 certificates\n                 200,000 superseded\n');
  expect(cpuTime()).toBeLessThan(5000);
});

test('the limit on hash rounds applies to all PKCS#12 blocks of a file together', async () => {
  const password = 'pa55 wörd €';
  const client = root.client('client1');
  const der = pkcs12({ password, certificates: [client, root], key: client, iterations: 90_000 });
  const inspect = (blocks: number): ReturnType<typeof runCommand> => {
    const { p12 } = writeMaterial(directory, { p12: formatPem({ label: 'PKCS12', der }).repeat(blocks) });
    return runCommand(['inspect', p12], { env: { EXPRESS_MTLS_P12_PASSWORD: password } });
  };
  expect(await inspect(3)).toMatchObject({ code: 0 });
  const { code, err } = await inspect(30);
  expect({ code, err }).toMatchObject({
    code: 3,
    err: expect.stringMatching(/more than 4,000,000 rounds of hashing/) as unknown,
  });
});
