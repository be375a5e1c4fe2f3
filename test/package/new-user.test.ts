/**
 * What a new user does: an empty folder, what the README says, and two minutes.
 *
 * @module
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, expect, jest } from '@jest/globals';
import { readDocument } from '../support/markdown.js';
import { freePort } from '../support/ports.js';
import { testWith } from '../support/requirements.js';
import { packOnce, run } from './tarball.js';

jest.setTimeout(300_000);

const testWithCurl = testWith(spawnSync('curl', ['--version']).status === 0, 'curl is not installed');

let folder: string | undefined;
let server: ChildProcess | undefined;

afterAll(() => {
  server?.kill('SIGKILL');
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
});

testWithCurl(
  'a new user has a server that knows its client, and revokes it, within two minutes',
  async () => {
    const tarball = packOnce();
    folder = path.dirname(tarball);
    const project = path.join(folder, 'project');
    mkdirSync(project);
    const started = performance.now();

    run(project, 'npm', 'init', '-y');
    run(project, 'npm', 'install', '--no-audit', '--no-fund', '--prefer-offline', tarball, 'express');
    const invitation = run(project, 'npx', '--no-install', 'express-mtls', 'init');
    const port = await freePort();
    writeFileSync(path.join(project, 'server.mjs'), serverOfReadme().replace('4433', port));
    server = spawn(process.execPath, ['server.mjs'], { cwd: project, stdio: 'ignore' });

    // The line that the command has printed itself.
    const [curl = ''] = /curl .*$/m.exec(invitation) ?? [];
    const call = (): string => {
      const args = curl.replace('4433', port).split(' ').slice(1);
      return spawnSync('curl', ['--silent', ...args], { cwd: project, encoding: 'utf8' }).stdout;
    };
    expect(await eventually(call, 'hello client1\n')).toBe('hello client1\n');

    expect(run(project, 'npx', '--no-install', 'express-mtls', 'revoke', 'client1')).toContain('client1');
    expect(await eventually(call, '')).toBe('');
    expect(server.exitCode).toBeNull();

    const seconds = (performance.now() - started) / 1000;
    console.info(`a new user took ${seconds.toFixed(0)} s`);
    expect(seconds).toBeLessThan(120);
    server.kill();
    await once(server, 'exit');
  },
);

/** The first program of the README, as plain JavaScript: it has no types. */
function serverOfReadme(): string {
  const [, code] = /^```(?:ts|js)\n(\/\/ server\.m?[jt]s\n.*?)^```$/ms.exec(readDocument('README.md')) ?? [];
  if (code === undefined) throw new Error('README.md has no server.ts or server.mjs');
  return code;
}

/** Calls until the answer is the expected one, or ten seconds have passed. */
async function eventually(call: () => string, expected: string): Promise<string> {
  const deadline = performance.now() + 10_000;
  for (;;) {
    const answer = call();
    if (answer === expected || performance.now() > deadline) return answer;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
