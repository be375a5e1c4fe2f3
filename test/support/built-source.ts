/**
 * The sources as JavaScript, for tests that start many processes: to translate them in each would take seconds.
 *
 * @module
 */
import { transformFileSync } from '@swc/core';
import { chmodSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { root } from './program.js';
import { temporaryDirectory } from './files.js';

const programs = [
  'command.ts',
  'command-program.ts',
  'fleet-program.ts',
  'server-store.ts',
  'kill-at-call-program.ts',
  'lock-program.ts',
  'record-modes-program.ts',
];

let built: string | undefined;

/** The file of a program of this folder, such as `lock-program`, with all that it imports beside it. */
export function builtProgram(name: string): string {
  built ??= build();
  return path.join(built, 'test/support', `${name}.js`);
}

function build(): string {
  const target = temporaryDirectory();
  // Programs may run as another user.
  chmodSync(target, 0o755);
  const sources = readdirSync(path.join(root, 'src'), { recursive: true, encoding: 'utf8' });
  const files = [
    ...sources.filter((file) => /\.c?ts$/.test(file)).map((file) => path.join('src', file)),
    ...programs.map((file) => path.join('test/support', file)),
  ];
  for (const file of files) {
    const { code } = transformFileSync(path.join(root, file), {
      jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
      module: { type: 'commonjs' },
      swcrc: false,
    });
    const place = path.join(target, file.replace(/\.(c?)ts$/, '.$1js'));
    mkdirSync(path.dirname(place), { recursive: true });
    writeFileSync(place, code);
  }
  symlinkSync(path.join(root, 'node_modules'), path.join(target, 'node_modules'));
  writeFileSync(path.join(target, 'package.json'), '{ "type": "commonjs" }\n');
  return target;
}
