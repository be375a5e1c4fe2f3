/**
 * docs/pm2-and-cluster.md: its app under the primary process of the page, and what pm2 is told about it.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { beforeEach, expect, test } from '@jest/globals';
import { type DevCa, openDevCa } from 'express-mtls/dev-ca';
import { call } from '../support/call.js';
import { writeProgram } from '../support/document-code.js';
import { temporaryDirectory } from '../support/files.js';
import { readDocument } from '../support/markdown.js';
import { freePort } from '../support/ports.js';
import { Program, run } from '../support/program.js';
import { until } from '../support/server.js';

const page = 'docs/pm2-and-cluster.md';
let folder: string;
let certs: string;
let ca: DevCa;
let port: string;
let app: string;

beforeEach(async () => {
  folder = temporaryDirectory();
  certs = path.join(folder, 'certs-dev');
  ca = await openDevCa(certs);
  await ca.issueServer();
  for (const name of ['client1', 'client2']) await ca.issueClient(name);
  port = await freePort();
  app = writeProgram([page, 'server.mjs'], folder, { 4433: port });
});

const linesOf = ({ output }: Program, event: string): number =>
  output.split('\n').filter((line) => line.includes(` ${event}  `)).length;

test('every worker of the page serves, reloads at SIGHUP, disconnects a revoked client, and ends at SIGTERM', async () => {
  const primary = new Program(
    writeProgram([page, 'cluster.mjs'], folder, {
      "'server.mjs'": `'${app}'`,
      'availableParallelism()': '2',
    }),
    { cwd: folder },
  );
  await until(() => linesOf(primary, 'listening') === 2, 'both workers listen', 60_000);
  const url = `https://localhost:${port}`;
  const pids = new Set<string>();
  await until(async () => {
    const answer = await call(url, { certs, as: 'client1' });
    pids.add(/from (\d+)/.exec(answer)?.[1] ?? answer);
    return pids.size === 2;
  }, 'both workers answer');

  primary.signal('SIGHUP');
  await until(() => linesOf(primary, 'unchanged') === 2, 'both workers have reloaded');
  await ca.revoke('client2');
  await until(() => linesOf(primary, 'reloaded') === 2, 'both workers have the CRL');
  for (let times = 0; times < 2; times++) expect(await call(url, { certs, as: 'client2' })).toBe('refused');

  const [first = ''] = pids;
  process.kill(Number(first), 'SIGKILL');
  await until(() => linesOf(primary, 'listening') === 3, 'the worker is replaced', 60_000);

  primary.signal('SIGTERM');
  expect((await primary.ended()).exitCode).toBe(0);
});

test('the app of the page ends with the error if a file cannot be used, so that pm2 starts it again', async () => {
  const cert = path.join(certs, 'server-crt.pem');
  renameSync(cert, `${cert}.kept`);
  writeFileSync(cert, 'garbled');
  const { output, exitCode } = await run(app, { cwd: folder });
  expect(exitCode).toBe(1);
  expect(output).toContain('server-crt.pem');
  // The error, and not what follows from it.
  expect(output).not.toMatch(/^ +at /m);
});

test('pm2 waits longer than the app takes to end, and for the message that the app sends', () => {
  const text = readDocument(page);
  const [, code = ''] = /^```js\n\/\/ ecosystem\.config\.cjs\n(.*?)^```$/ms.exec(text) ?? [];
  const file = path.join(folder, 'ecosystem.config.cjs');
  writeFileSync(file, code);
  const { apps } = createRequire(file)(file) as {
    apps: [{ script: string; kill_timeout: number; wait_ready: boolean; exec_mode: string }];
  };
  const program = readFileSync(app, 'utf8');
  const [, ms = ''] = /process\.exit\(\), ([\d_]+)\)/.exec(program) ?? [];
  expect(apps[0].kill_timeout).toBeGreaterThan(Number(ms.replaceAll('_', '')));
  expect(apps[0]).toMatchObject({ script: 'server.mjs', exec_mode: 'cluster', wait_ready: true });
  expect(program).toContain("process.send?.('ready')");
});
