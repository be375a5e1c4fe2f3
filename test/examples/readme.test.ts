import path from 'node:path';
import { expect, test } from '@jest/globals';
import { openDevCa } from 'express-mtls/dev-ca';
import { runCommand } from '../support/command.js';
import { temporaryDirectory } from '../support/files.js';
import { call } from '../support/call.js';
import { writeProgram } from './document-program.js';
import { codeBlocks, readDocument } from '../support/markdown.js';
import { freePort, Program, run } from '../support/program.js';

const blocks = new Map(codeBlocks('README.md').map(({ file, code }) => [file, code]));

test('the server and the client of the README have 25 lines at most, and the README 200', () => {
  const lines = ['server.mjs', 'client.mjs'].flatMap((file) => blocks.get(file)?.trim().split('\n') ?? []);
  expect(lines.length).toBeGreaterThan(10);
  expect(lines.length).toBeLessThanOrEqual(25);
  expect(readDocument('README.md').trim().split('\n').length).toBeLessThanOrEqual(200);
});

test('the README’s programs serve, call, and let a revoked client go', async () => {
  const folder = temporaryDirectory();
  const certs = path.join(folder, 'certs-dev');
  expect(readDocument('README.md')).toContain('\n$ npx express-mtls init\n');
  expect(await runCommand(['init', certs])).toMatchObject({ code: 0 });
  const ca = await openDevCa(certs);
  await ca.issueClient('client2');

  const port = await freePort();
  const [server, client] = (['server.mjs', 'client.mjs'] as const).map((name) =>
    writeProgram(['README.md', name], folder, { 4433: port }),
  ) as [string, string];

  const serving = new Program(server, { cwd: folder });
  const url = `https://localhost:${port}`;
  await serving.wrote(/ listening {2}https:\/\/localhost:\d+, clients of CN=ca-[0-9a-f]{8}$/m);
  expect(await run(client, { cwd: folder })).toEqual({ output: 'hello client1\n', exitCode: 0 });
  expect(await call(`${url}/admin`, { certs, as: 'client1' })).toBe('200 welcome\n');
  expect(await call(`${url}/admin`, { certs, as: 'client2' })).toMatch(/^403 .*ERR_MTLS_CLIENT_FORBIDDEN/);
  expect(await call(url, { certs })).toBe('refused');

  await ca.revoke('client1');
  await serving.wrote(/ reloaded {2}1 newly revoked/);
  expect(await call(url, { certs, as: 'client1' })).toBe('refused');
  expect(await call(url, { certs, as: 'client2' })).toBe('200 hello client2\n');
  await serving.wrote(/ refused {2}CN=client1 revoked by CRL 2 of CN=ca-[0-9a-f]{8} {2}/);
});

test('the server of docs/getting-started.md is the one of the README', () => {
  const started = codeBlocks('docs/getting-started.md').find(({ file }) => file === 'server.mjs');
  expect(started?.code).toBe(blocks.get('server.mjs'));
});
