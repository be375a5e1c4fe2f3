import { expect, test } from '@jest/globals';
import { temporaryDirectory } from '../support/files.js';
import { run } from '../support/program.js';
import { Stage } from '../support/stage.js';

test('the status example shows refusals only to client1, and answers every probe', async () => {
  const stage = await Stage.set('examples/status/server.ts');
  expect(await stage.call('/', 'client2')).toBe('200 hello client2\n');
  expect(await stage.call('/status', 'client2')).toMatch(/^403 .*ERR_MTLS_CLIENT_FORBIDDEN/);
  expect(await stage.call('/status')).toMatch(/^401 .*ERR_MTLS_CERTIFICATE_REQUIRED/);
  expect(await stage.call('/status/ready')).toBe('200 {"ready":true}\n');
  await stage.revoke('client2', async () => (await stage.call('/', 'client2')) === 'refused');
  const headers = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };
  const page = await stage.call('/status', 'client1', { headers });
  expect(page).toMatch(/^200 <!doctype html>/);
  expect(page).toContain('<bdi>CN=client2</bdi>');
  expect(page).toContain('data-name="Reason">revoked</td>');
  const report = JSON.parse((await stage.call('/status', 'client1')).slice(4));
  expect(report).toMatchObject({ ready: true, refusals: { byReason: { revoked: expect.any(Number) } } });
});

test('the status example explains how to create missing certificates', async () => {
  const empty = temporaryDirectory();
  expect(await run('examples/status/server.ts', { env: { CERTS: empty, PORT: '0' } })).toEqual({
    output: `${empty} holds no certificates yet. Make them with: npm run certs\n`,
    exitCode: 1,
  });
});
