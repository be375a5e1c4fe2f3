/**
 * Every command on narrow terminals: no line is wider than the terminal, and none is broken inside a word.
 *
 * @module
 */
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { widthOf } from '../../../src/cli/display-width.js';
import { runCommand } from '../../support/command.js';
import { temporaryDirectory } from '../../support/files.js';

const widths = [80, 60, 40];

/** The lines that are too wide although they could have been wrapped. */
function tooWide(output: string, width: number): string[] {
  return output
    .split('\n')
    .filter((line) => widthOf(line) > width && /\S \S/.test(line.replace(/ \\$/, '').replace(/^ *\$ /, '')));
}

/** The words of an output. A word that was broken is missing, and its parts are too many. */
function wordsOf(output: string): string[] {
  const whole = output.replaceAll(/ \\\n/g, '\n').replaceAll(/(?<=[0-9A-F]{2}:)\n +(?=[0-9A-F]{2})/g, '');
  return whole.split(/\s+/).filter((word) => word !== '');
}

let directory: string;
beforeAll(async () => {
  // A relative path, as people use: an absolute one is a long word.
  directory = path.relative('.', temporaryDirectory());
  for (const args of [
    ['init', directory],
    ['issue', 'client', 'alice', '--dir', directory],
    ['revoke', 'alice', '--reason', 'keyCompromise', '--dir', directory],
  ])
    expect((await runCommand(args)).code).toBe(0);
});

const inFolder = (file: string): string => path.join(directory, file);

const commands: readonly (readonly [string, () => string[]])[] = [
  ['init', () => ['init', directory]],
  ['issue client', () => ['issue', 'client', 'alice', '--dir', directory]],
  ['issue server', () => ['issue', 'server', 'server', '--dir', directory]],
  ['issue, with a bad name', () => ['issue', 'server', 'a/b', '--dir', directory]],
  ['renew', () => ['renew', 'nobody', '--dir', directory]],
  ['revoke', () => ['revoke', 'alice', '--dir', directory]],
  ['intermediate', () => ['intermediate', 'client1-crt.pem', '--dir', directory]],
  ['import', () => ['import', directory, '--dir', directory]],
  ['publish', () => ['publish', '--to', 'https://localhost', '--dir', directory]],
  ['fleet', () => ['fleet']],
  ['inspect', () => ['inspect', inFolder('client1-crt.pem'), inFolder('ca-crl.pem'), inFolder('ca-crt.pem')]],
  ['inspect, without the file', () => ['inspect', 'nothing.pem']],
  [
    'doctor',
    () => [
      ...['doctor', '--cert', inFolder('alice-crt.pem'), '--ca', inFolder('ca-crt.pem')],
      ...['--crl', inFolder('ca-crl.pem')],
    ],
  ],
  ['an unknown option', () => ['issue', 'client', '--nmae', 'alice']],
  ['a missing name', () => ['intermediate']],
];

describe.each(widths)('on a terminal of %i columns', (width) => {
  // A fixed clock, so that what is not wrapped can be compared.
  const now = (): number => Date.UTC(2026, 11, 24);

  test.each(commands)('%s', async (_name, args) => {
    const whole = await runCommand(args(), { now });
    const wrapped = await runCommand(args(), { now, outWidth: width, errWidth: width });
    expect(wrapped.code).toBe(whole.code);
    expect(tooWide(wrapped.out + wrapped.err, width)).toStrictEqual([]);
    expect(wordsOf(wrapped.out)).toStrictEqual(wordsOf(whole.out));
    expect(wordsOf(wrapped.err)).toStrictEqual(wordsOf(whole.err));
  });

  test('list', async () => {
    const { out } = await runCommand(['list', '--dir', directory], { outWidth: width });
    expect(tooWide(out, width)).toStrictEqual([]);
    for (const name of ['server', 'client1', 'alice']) expect(out).toMatch(new RegExp(`^${name} `, 'm'));
  });

  test.each(
    [
      ...[[], ['init'], ['issue'], ['issue', 'client'], ['issue', 'server'], ['renew'], ['revoke'], ['crl']],
      ...[['list'], ['intermediate'], ['import'], ['publish'], ['fleet'], ['inspect'], ['doctor']],
    ].map((command) => ({ command })),
  )('$command --help', async ({ command }) => {
    const args = [...command, '--help'];
    const { out } = await runCommand(args, { outWidth: width, errWidth: width });
    expect(tooWide(out, width)).toStrictEqual([]);
    expect(wordsOf(out)).toStrictEqual(wordsOf((await runCommand(args)).out));
  });
});

test('JSON is the same on a terminal, of any width', async () => {
  for (const args of [
    ['list', '--json', '--dir', directory],
    ['inspect', '--json', inFolder('client1-crt.pem')],
    ['inspect', '--json', 'nothing.pem'],
  ]) {
    const world = { now: () => 0 };
    const whole = await runCommand(args, world);
    expect(await runCommand(args, { ...world, outWidth: 40, errWidth: 40 })).toStrictEqual(whole);
  }
});

test('output in a pipe is not wrapped, whatever COLUMNS says', async () => {
  const args = ['inspect', inFolder('client1-crt.pem')];
  const { out } = await runCommand(args, { now: () => 0, env: { COLUMNS: '40' } });
  expect(out).toMatch(/^ {2}SHA-256 {6}(?:[0-9A-F]{2}:){31}[0-9A-F]{2}$/m);
  expect(out).toBe((await runCommand(args, { now: () => 0 })).out);
});

test('a command to copy runs as it is printed', async () => {
  const folder = path.relative('.', path.join(temporaryDirectory(), 'my certs'));
  const { out } = await runCommand(['init', folder], { outWidth: 60 });
  const [command = ''] = /^ {2}curl (?:.*\\\n)*.*$/m.exec(out) ?? [];
  expect(command.split('\n').length).toBeGreaterThan(1);
  const printed = execFileSync('sh', ['-c', command.replace('curl', "printf '%s\\n'")], { encoding: 'utf8' });
  expect(printed.trimEnd().split('\n')).toStrictEqual([
    ...['--cacert', `${folder}/ca-crt.pem`, '--cert', `${folder}/client1-crt.pem`],
    ...['--key', `${folder}/client1-key.pem`, 'https://localhost:4433/'],
  ]);
});
