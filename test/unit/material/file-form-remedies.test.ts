import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { findFileForm } from '../../../src/x509/file-form.js';
import { der, forms, readBack } from '../../support/file-forms.js';
import { temporaryDirectory, writeMaterial } from '../../support/files.js';

test.each(forms)('the suggested shell command for %s works', (_form, bytes) => {
  const { command = 'false' } = findFileForm(Buffer.from(bytes)) ?? {};
  const directory = temporaryDirectory();
  const { file } = writeMaterial(directory, { file: Buffer.from(bytes) });
  const written = join(directory, 'new');
  const { status, stderr } = spawnSync('sh', ['-c', command.replace('FILE', file).replace('NEW', written)], {
    encoding: 'utf8',
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(readBack(readFileSync(written))).toEqual(der);
});
