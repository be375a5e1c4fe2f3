import { expect, test } from '@jest/globals';
import { threadOptions } from '../../../src/material/thread-options.js';

const loader = 'file:///app/.pnp.loader.mjs';

test.each<[string, string, string[]]>([
  ['nothing', '', []],
  [
    'a preload of each kind',
    '-r a.cjs --require b.cjs --import ./c.mjs --loader d.mjs --experimental-loader e.mjs',
    [],
  ],
  [
    'a preload after an equals sign',
    '--require=a.cjs --import=b.mjs --experimental-loader=c.mjs --loader=d.mjs',
    [],
  ],
  ['options that are no preloads', '--max-old-space-size=300 --title app --conditions=dev -C dev', []],
  [
    'Yarn',
    `--require /app/.pnp.cjs --experimental-loader ${loader}`,
    ['--require', '/app/.pnp.cjs', '--experimental-loader', loader],
  ],
  ['Yarn, in a folder with a space', '--require "/my app/.pnp.cjs"', ['--require', '/my app/.pnp.cjs']],
  [
    'Yarn on Windows',
    String.raw`--require "C:\\my app\\.pnp.cjs"`,
    ['--require', String.raw`C:\my app\.pnp.cjs`],
  ],
  [
    'Yarn on Windows, without quotes',
    String.raw`--require C:\app\.pnp.cjs`,
    ['--require', String.raw`C:\app\.pnp.cjs`],
  ],
  ['Yarn 2', '-r ./.pnp.js', ['-r', './.pnp.js']],
  [
    'after an equals sign',
    '--require=./.pnp.cjs --import="/my app/.pnp.mjs"',
    ['--require=./.pnp.cjs', '--import=/my app/.pnp.mjs'],
  ],
  [
    'quotes in the middle of a word',
    String.raw`--requ"ire"=/a" \"b\" "c/.pnp.cjs`,
    ['--require=/a "b" c/.pnp.cjs'],
  ],
  ['underscores', `--experimental_loader ${loader}`, ['--experimental_loader', loader]],
  [
    'a loader that is registered',
    `--import "data:text/javascript,register('${loader}')"`,
    ['--import', `data:text/javascript,register('${loader}')`],
  ],
  [
    'Yarn among others',
    '--require tracer.cjs --require .pnp.cjs --title .pnp.cjs --import tracer.mjs',
    ['--require', '.pnp.cjs'],
  ],
  [
    'names that are alike',
    '--require .pnpm.cjs --require a.pnp.cjs --require .pnp.cjs.d/trace.cjs --require my.pnp',
    [],
  ],
  ['an option without its value', '--require', []],
  [
    'permissions',
    '--permission --allow-fs-read=* --allow-fs-write /tmp --allow-worker',
    ['--permission', '--allow-fs-read=*', '--allow-fs-write', '/tmp', '--allow-worker'],
  ],
  [
    'permissions of Node 20',
    '--experimental-permission --allow-fs-read /a',
    ['--experimental-permission', '--allow-fs-read', '/a'],
  ],
])('the thread needs from NODE_OPTIONS: %s', (_what, nodeOptions, needed) => {
  expect(threadOptions({ execArgv: [], nodeOptions })).toEqual(needed);
});

test('the thread needs the same from the command line, after those of NODE_OPTIONS', () => {
  const execArgv = [
    '-r',
    'tracer.cjs',
    '-r',
    './.pnp.cjs',
    '--import=tracer.mjs',
    '--input-type=module',
    '--eval',
    'run()',
  ];
  expect(threadOptions({ execArgv, nodeOptions: '--permission' })).toEqual([
    '--permission',
    '-r',
    './.pnp.cjs',
  ]);
  expect(threadOptions({ execArgv, nodeOptions: undefined })).toEqual(['-r', './.pnp.cjs']);
});
