/**
 * `npm install` from a git repository: npm clones it, installs its development dependencies, and runs `postprepare`.
 *
 * @module
 */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, jest, test } from '@jest/globals';
import { temporaryDirectory } from '../support/files.js';
import { root, run } from './tarball.js';

jest.setTimeout(600_000);

interface Manifest {
  readonly devDependencies: Readonly<Record<string, string>>;
}

/** As in scripts/prepare.mjs. */
const neededToBuild = ['typescript', '@types/node', '@types/express', 'prom-client'];

test('the package installs from git, builds itself, and is imported and required', () => {
  const folder = temporaryDirectory();
  const repository = path.join(folder, 'repository');
  for (const name of ['tsconfig.json', 'tsconfig.build.json', 'src', 'scripts'])
    cpSync(path.join(root, name), path.join(repository, name), { recursive: true });
  // All of the development dependencies would be five hundred packages.
  const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as Manifest;
  const devDependencies = Object.fromEntries(
    neededToBuild.map((name) => [name, manifest.devDependencies[name]]),
  );
  writeFileSync(path.join(repository, 'package.json'), JSON.stringify({ ...manifest, devDependencies }));
  const git = (...args: string[]): string =>
    run(repository, 'git', '-c', 'user.name=test', '-c', 'user.email=test@example.org', ...args);
  git('init', '--quiet');
  git('add', '.');
  git('commit', '--quiet', '--message', 'all');

  const project = path.join(folder, 'project');
  mkdirSync(project);
  run(project, 'npm', 'init', '-y');
  // npm 12 refuses git without being asked.
  const options = ['--no-audit', '--no-fund', '--prefer-offline', '--allow-git=root'];
  run(project, 'npm', 'install', ...options, `git+file://${repository}`, 'express');
  const required = `console.log(typeof require('express-mtls').createServer)`;
  const imported = `import { createServer } from 'express-mtls'; console.log(typeof createServer)`;
  expect(run(project, process.execPath, '--eval', required)).toBe('function\n');
  expect(run(project, process.execPath, '--input-type=module', '--eval', imported)).toBe('function\n');
  expect(run(project, 'npx', '--no-install', 'express-mtls', '--version')).toMatch(/^\d+\.\d+\.\d+\n$/);
});
