/**
 * A key and a certificate that do not match for a while.
 *
 * @module
 */
import { expect, test } from '@jest/globals';
import { ca } from '../support/chain.js';
import { publish, startServer, until } from '../support/server.js';

test('a key that waits for longer than ten seconds is logged once', async () => {
  const root = ca('ca');
  const server = await startServer({ root, options: { watch: { pollMs: 50 } } });
  const started = performance.now();
  publish(server.files.key, root.server().keyPem);
  await until(() => server.recorder.events('reload-failed').length > 0, 'it is reported', 30_000);
  expect(performance.now() - started).toBeGreaterThan(9000);
  expect(server.recorder.events('reload-failed')).toMatchObject([
    { error: { code: 'ERR_MTLS_KEY_MISMATCH' } },
  ]);
  publish(server.files.crl, root.crl({ number: 2 }).pem);
  await until(() => server.recorder.events('reloaded').length > 0, 'the CRL is in force');
  await expect(server.mtls.reload()).rejects.toMatchObject({ code: 'ERR_MTLS_KEY_MISMATCH' });
  expect(server.recorder.linesOf('reload-failed')).toMatchObject([
    {
      level: 'error',
      message: expect.stringMatching(/^reload failed .*: the last-good copy of .* stays in force$/),
    },
  ]);
});
