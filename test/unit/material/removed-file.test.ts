import { writeFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { expect, test } from '@jest/globals';
import { isGoneFrom } from '../../../src/material/removed-file.js';
import { temporaryDirectory } from '../../support/files.js';

const directory = temporaryDirectory();
const there = join(directory, 'there.pem');
writeFileSync(there, '');
const gone = join(directory, 'gone.pem');

test.each([
  ['a file', directory, gone],
  ['a file of a directory with a separator at its end', `${directory}${sep}`, gone],
  ['a file of a relative directory', relative('.', directory), join(relative('.', directory), 'gone.pem')],
  ['a file of the working directory', '.', 'gone.pem'],
  ['a certificate in a file', directory, `${gone}: number 2 of 3`],
])('is gone: %s', (_what, from, source) => {
  expect(isGoneFrom(from, source)).toBe(true);
});

test.each([
  ['a file that exists', directory, there],
  ['a certificate in a file that exists', directory, `${there}: number 2 of 3`],
  ['a file of a subdirectory', directory, join(directory, 'sub', 'gone.pem')],
  ['a file that is not read from a directory', directory, join(directory, 'gone.txt')],
  ['a file of a directory that is gone itself', join(directory, 'no'), join(directory, 'no', 'gone.pem')],
  ['a file beside a file', there, `${there}/gone.pem`],
  ['an option', '.', 'options.crl'],
  ['a URL', '.', 'http://a.example/gone.crl'],
])('is not gone: %s', (_what, from, source) => {
  expect(isGoneFrom(from, source)).toBe(false);
});
