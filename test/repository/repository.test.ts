import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { temporaryDirectory } from '../support/files.js';
import { root } from '../support/program.js';

let folder: string;

beforeEach(() => {
  folder = temporaryDirectory();
  for (const name of ['package.json', 'package-lock.json', 'README.md', 'CHANGELOG.md', 'scripts'])
    cpSync(path.join(root, name), path.join(folder, name), { recursive: true });
});

const read = (file: string): string => readFileSync(path.join(folder, file), 'utf8');

function change(file: string, from: string, to: string): void {
  expect(read(file)).toContain(from);
  writeFileSync(path.join(folder, file), read(file).replaceAll(from, to));
}

function runScript(name: string, ...args: string[]): { status: number | null; stderr: string } {
  return spawnSync(process.execPath, [path.join(folder, 'scripts', name), ...args], { encoding: 'utf8' });
}

describe('the address of the forge', () => {
  const placeholder = (JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as Manifest)
    .repository;

  interface Manifest {
    readonly homepage: string;
    readonly bugs: { readonly url: string };
    readonly repository: { readonly url: string };
  }

  test('is set in one place, and everything else follows', () => {
    expect(runScript('repository.mjs', '--check')).toMatchObject({ status: 0, stderr: '' });

    change('package.json', placeholder.url, 'git+https://github.com/example/express-mtls.git');
    const { status, stderr } = runScript('repository.mjs', '--check');
    expect(status).toBe(1);
    expect(stderr).toMatch(/^package\.json does not follow .*\nREADME\.md does not follow /);

    expect(runScript('repository.mjs').status).toBe(0);
    expect(runScript('repository.mjs', '--check').status).toBe(0);
    const address = 'https://github.com/example/express-mtls';
    expect(JSON.parse(read('package.json'))).toMatchObject({
      homepage: `${address}#readme`,
      bugs: { url: `${address}/issues` },
    });
    expect(read('README.md')).toContain(`\n[![CI](${address}/actions/workflows/ci.yml/badge.svg)](`);
  });

  test('that is no address of a repository is refused', () => {
    change('package.json', placeholder.url, 'github:example/express-mtls');
    expect(runScript('repository.mjs', '--check').stderr).toContain('expected git+https://….git');
  });

  test('has to be set before a release', () => {
    expect(runScript('check-release.mjs', 'v1.0.0').stderr).toMatch(
      /^repository\.url .* is the placeholder /m,
    );
    change('package.json', placeholder.url, 'git+https://github.com/example/express-mtls.git');
    expect(runScript('check-release.mjs', 'v1.0.0').stderr).not.toContain('placeholder');
  });
});

describe('the first release', () => {
  test('shows the badge of npm, which would lead nowhere before', () => {
    expect(read('README.md')).toMatch(/<!-- shown once there is a release: \[!\[npm\]/);
    change('CHANGELOG.md', '## [Unreleased]', '## [Unreleased]\n\n## [1.0.0] - 2027-01-31');
    runScript('repository.mjs');
    expect(read('README.md')).toMatch(/^\[!\[npm\]/m);
  });

  test('is none while the README says that the package is not on npm', () => {
    expect(runScript('check-release.mjs', 'v1.0.0').stderr).toContain('not on npm yet\n');
    change('README.md', 'The package is not on npm yet.', '');
    expect(runScript('check-release.mjs', 'v1.0.0').stderr).not.toContain('not on npm yet\n');
  });
});

describe('npm runs scripts/prepare.mjs', () => {
  test('which does nothing without the development dependencies', () => {
    expect(runScript('prepare.mjs')).toMatchObject({ status: 0, stderr: '' });
  });

  test('and nothing where there is a dist', () => {
    mkdirSync(path.join(folder, 'dist'));
    // Whatever is started by it fails.
    for (const name of ['typescript', '@types/node', '@types/express', 'prom-client']) {
      mkdirSync(path.join(folder, 'node_modules', name), { recursive: true });
      writeFileSync(path.join(folder, 'node_modules', name, 'package.json'), '{}');
    }
    expect(runScript('prepare.mjs')).toMatchObject({ status: 0, stderr: '' });
  });
});
