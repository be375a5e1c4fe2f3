import { symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { openDevCa } from 'express-mtls/dev-ca';
import { temporaryDirectory } from '../support/files.js';
import { call } from './call.js';
import { codeBlocks, readDocument } from './markdown.js';
import { freePort, Program, root, run } from './program.js';

const blocks = new Map(codeBlocks('README.md').map(({ file, code }) => [file, code]));

test('the server and the client of the README have 25 lines at most, and the README 200', () => {
  const lines = ['server.ts', 'client.ts'].flatMap((file) => blocks.get(file)?.trim().split('\n') ?? []);
  expect(lines.length).toBeGreaterThan(10);
  expect(lines.length).toBeLessThanOrEqual(25);
  expect(readDocument('README.md').trim().split('\n').length).toBeLessThanOrEqual(200);
});

test('the README’s programs make certificates, serve, call, and let a revoked client go', async () => {
  const folder = temporaryDirectory();
  const port = await freePort();
  writeFileSync(path.join(folder, 'package.json'), '{ "type": "module" }\n');
  symlinkSync(path.join(root, 'node_modules'), path.join(folder, 'node_modules'));
  for (const [file, code] of blocks) {
    if (file !== undefined) writeFileSync(path.join(folder, file), code.replace('4433', port));
  }
  const program = (file: string): [string, { cwd: string }] => [path.join(folder, file), { cwd: folder }];

  expect(await run(...program('certs.ts'))).toEqual({ output: '', exitCode: 0 });
  const server = new Program(...program('server.ts'));
  const url = `https://localhost:${port}`;
  const certs = path.join(folder, 'certs-dev');
  await server.listens(port);
  expect(await run(...program('client.ts'))).toEqual({ output: 'hello client1\n', exitCode: 0 });
  expect(await call(`${url}/admin`, { certs, as: 'client1' })).toBe('200 welcome\n');
  expect(await call(`${url}/admin`, { certs, as: 'client2' })).toMatch(/^403 .*ERR_MTLS_CLIENT_FORBIDDEN/);
  expect(await call(url, { certs })).toBe('refused');

  const ca = await openDevCa(certs);
  await ca.revoke('client2');
  const deadline = Date.now() + 10_000;
  while ((await call(url, { certs, as: 'client2' })) !== 'refused') expect(Date.now()).toBeLessThan(deadline);
  expect(await call(url, { certs, as: 'client1' })).toBe('200 hello client1\n');
});
