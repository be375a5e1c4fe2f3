/**
 * `express-mtls import`, of a certificate with a short RSA key: the remedy generates one of 4096 bits, for seconds.
 *
 * @module
 */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import type { ImportReport } from '../../../src/dev-ca/import-ca.js';
import { ca } from '../../support/chain.js';
import { runCommand } from '../../support/command.js';
import { temporaryDirectory, writeMaterial } from '../../support/files.js';

test('the command in the warning fixes a certificate with a short key', async () => {
  const root = ca('Old CA');
  const client = root.client({ commonName: 'c', key: 'rsa1024' });
  const folder = temporaryDirectory();
  writeMaterial(folder, {
    'ca.crt': root.pem,
    'ca.key': root.keyPem,
    'c.crt': client.pem,
    'c.key': client.keyPem,
  });
  const importJson = async (from: string, to: string): Promise<ImportReport> =>
    JSON.parse((await runCommand(['import', from, '--dir', to, '--json'])).out) as ImportReport;

  const certs = join(folder, 'certs');
  const { warnings } = await importJson(folder, certs);
  const remedy = warnings.find(({ about }) => about === 'c')?.remedy ?? '';
  const command = /express-mtls (.*)$/.exec(remedy)?.[1] ?? '';
  expect(await runCommand(command.split(' '))).toMatchObject({ code: 0, err: '' });

  const again = await importJson(certs, join(folder, 'again'));
  expect(again.certificates).toContainEqual(expect.objectContaining({ name: 'c', key: 'copied' }));
  expect(again.warnings.filter(({ about }) => about === 'c')).toStrictEqual([]);
  const renewed = new X509Certificate(readFileSync(join(certs, 'c-crt.pem')));
  expect(renewed.publicKey.asymmetricKeyDetails?.modulusLength).toBe(4096);
});
