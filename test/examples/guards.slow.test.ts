import { writeFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { openDevCa } from 'express-mtls/dev-ca';
import { temporaryDirectory } from '../support/files.js';
import { call } from '../support/call.js';
import { Program } from '../support/program.js';

const certs = temporaryDirectory();
let url: string;

async function serve(): Promise<void> {
  const ca = await openDevCa(certs);
  await ca.issueServer();
  const client1 = await ca.issueClient('client1');
  await ca.issueClient('client2');
  await ca.issueClient('trainee', { organization: 'Example', organizationalUnit: 'audit' });
  await ca.issueClient('auditor', { organization: 'Example', organizationalUnit: 'audit' });
  await ca.issueClient('outsider', { organization: 'Other', organizationalUnit: 'audit' });
  await ca.issueClient('operator', { email: 'a.b@ops.example.org' });
  writeFileSync(`${certs}/enrolled.txt`, `${client1.serialNumber}\n`);
  const program = new Program('examples/guards/server.ts', { env: { CERTS: certs, PORT: '0' } });
  [, url = ''] = await program.wrote(/Guards on (https:\/\/localhost:\d+)/);
}

/** The status of a path for each caller. */
async function statuses(path: string, ...callers: readonly string[]): Promise<Record<string, string>> {
  const answers = callers.map(async (name) => {
    const answer = await call(url + path, { certs, ...(name === 'nobody' ? {} : { as: name }) });
    return [name, answer.slice(0, 3)];
  });
  return Object.fromEntries(await Promise.all(answers)) as Record<string, string>;
}

test('the guards example allows the callers of each route, and answers the others with problem details', async () => {
  await serve();
  expect(await call(`${url}/`, { certs })).toBe('200 {"caller":"anonymous"}');
  expect(await call(`${url}/`, { certs, as: 'client2' })).toBe('200 {"caller":"client2"}');
  expect(await call(`${url}/members`, { certs })).toBe(
    '401 {"type":"about:blank","title":"Unauthorized","status":401,"code":"ERR_MTLS_CERTIFICATE_REQUIRED"}\n',
  );
  expect(await call(`${url}/members`, { certs, as: 'client2' })).toMatch(/^200 \{"serial":"[0-9a-f]+"\}$/);
  expect(
    await statuses('/invoices', 'nobody', 'client1', 'client2', 'auditor', 'trainee', 'outsider', 'operator'),
  ).toEqual({
    nobody: '401',
    client1: '200',
    client2: '403',
    auditor: '200',
    trainee: '403',
    outsider: '403',
    operator: '200',
  });
  expect(await statuses('/accounts/client2', 'client1', 'client2')).toEqual({
    client1: '403',
    client2: '200',
  });
  expect(await statuses('/beta', 'client1', 'client2')).toEqual({ client1: '200', client2: '403' });
});
