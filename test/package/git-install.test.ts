/**
 * `npm install` from a git repository: npm clones it, installs its development dependencies, and runs `prepare`.
 *
 * @module
 */
import { cpSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { expect, jest, test } from '@jest/globals';
import { temporaryDirectory } from '../support/files.js';
import { root, run } from './tarball.js';

jest.setTimeout(300_000);

test('the package installs from git, builds itself, and is imported and required', () => {
  const folder = temporaryDirectory();
  const repository = path.join(folder, 'repository');
  for (const name of [
    'package.json',
    'package-lock.json',
    'tsconfig.json',
    'tsconfig.build.json',
    'src',
    'scripts',
  ])
    cpSync(path.join(root, name), path.join(repository, name), { recursive: true });
  const git = (...args: string[]): string =>
    run(repository, 'git', '-c', 'user.name=test', '-c', 'user.email=test@example.org', ...args);
  git('init', '--quiet');
  git('add', '.');
  git('commit', '--quiet', '--message', 'all');

  const project = path.join(folder, 'project');
  mkdirSync(project);
  run(project, 'npm', 'init', '-y');
  const options = ['--no-audit', '--no-fund', '--prefer-offline'];
  run(project, 'npm', 'install', ...options, `git+file://${repository}`, 'express');
  const required = `console.log(typeof require('express-mtls').createServer)`;
  const imported = `import { createServer } from 'express-mtls'; console.log(typeof createServer)`;
  expect(run(project, process.execPath, '--eval', required)).toBe('function\n');
  expect(run(project, process.execPath, '--input-type=module', '--eval', imported)).toBe('function\n');
  expect(run(project, 'npx', '--no-install', 'express-mtls', '--version')).toMatch(/^\d+\.\d+\.\d+\n$/);
});
