/**
 * `express-mtls revoke` and `express-mtls crl`.
 *
 * @module
 */
import { readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { openDevCa } from '../../../src/dev-ca/dev-ca.js';
import { caFolder } from '../../support/ca-folder.js';
import { runCommand } from '../../support/command.js';

let directory: string;
beforeEach(async () => {
  directory = await caFolder();
});

const run = (...args: string[]): ReturnType<typeof runCommand> => runCommand([...args, '--dir', directory]);
const serialOf = async (name: string): Promise<string> =>
  (await (await openDevCa(directory)).list()).find((each) => each.name === name)?.serialNumber as string;

describe('express-mtls revoke', () => {
  test('revokes by name, and reports the new CRL', async () => {
    const serial = await serialOf('client1');
    const { code, out, err } = await run('revoke', 'client1', '--reason', 'keyCompromise');
    expect({ code, err }).toStrictEqual({ code: 0, err: '' });
    expect(out).toMatch(
      new RegExp(
        `^revoked {2}client1 \\(serial ${serial}\\), reason keyCompromise\n\\S+/ca-crl\\.pem is now number 2, with 1 entry, and is current until .* UTC \\(in 30 days\\)\n$`,
      ),
    );
  });

  test('reports a certificate that is already revoked, changes nothing, and exits with 0', async () => {
    await run('revoke', 'client1', '--reason', 'superseded');
    const crl = readFileSync(join(directory, 'ca-crl.pem'));
    const { code, out } = await run('revoke', 'client1', '--reason', 'keyCompromise');
    expect(code).toBe(0);
    expect(out).toMatch(
      /^client1 \(serial \S+\) was already revoked at .* ago\), reason superseded; nothing was changed\n$/,
    );
    expect(readFileSync(join(directory, 'ca-crl.pem'))).toEqual(crl);
  });

  test('takes a serial number, and the path of a file', async () => {
    expect((await run('revoke', await serialOf('server'))).out).toMatch(/^revoked {2}server \(/);
    renameSync(join(directory, 'client1-crt.pem'), join(directory, 'lost.pem'));
    const { out } = await run('revoke', join(directory, 'lost.pem'), '--days', '7');
    expect(out).toMatch(/^revoked {2}client1 .*\n.*number 3, with 2 entries, .*\(in 7 days\)\n$/);
  });

  test('asks for the certificate if given a key', async () => {
    const { code, err } = await run('revoke', join(directory, 'client1-key.pem'));
    expect(code).toBe(3);
    expect(err).toMatch(
      /client1-key\.pem cannot be parsed as a certificate; expected PEM; use the certificate itself, such as NAME-crt\.pem, or its name\n$/,
    );
  });

  test('warns about an older certificate with that name that is still valid', async () => {
    const older = await serialOf('client1');
    await run('renew', 'client1');
    const { out } = await run('revoke', 'client1');
    expect(out).toContain(
      `\nstill valid: an older certificate of client1; to revoke it: express-mtls revoke ${older} --dir ${directory}\n`,
    );
    await run('revoke', older);
    expect((await run('revoke', 'client1')).out).not.toContain('still good');
  });

  test('answers as JSON', async () => {
    const serialNumber = await serialOf('client1');
    const { out } = await run('revoke', 'client1', '--reason', 'superseded', '--json');
    expect(JSON.parse(out)).toMatchObject({
      outcome: 'revoked',
      certificate: { name: 'client1', kind: 'client', serialNumber, reason: 'superseded' },
      crl: { file: join(directory, 'ca-crl.pem'), number: '2', entries: 1 },
      stillGood: [],
    });
    const again = await run('revoke', 'client1', '--json');
    expect(JSON.parse(again.out)).toMatchObject({ outcome: 'already-revoked' });
  });

  test.each([
    [
      ['revoke', 'nobody'],
      3,
      /^error: "nobody" is not a certificate in .*; it has server, client1: use .*\n$/,
    ],
    [
      ['revoke', './nothing.pem'],
      3,
      /^error: no such file or directory, open '\.\/nothing\.pem'; check the path, .*\n$/,
    ],
    [['revoke', 'client1', '--reason', 'whim'], 2, /Allowed choices are unspecified, keyCompromise/],
    [['revoke'], 2, /missing required argument 'certificate'/],
  ])('%j exits with %i and reports why', async (args, expected, message) => {
    const { code, out, err } = await run(...args);
    expect({ code, out }).toStrictEqual({ code: expected, out: '' });
    expect(err).toMatch(message);
  });

  test('--help shows examples', async () => {
    expect((await runCommand(['revoke', '--help'])).out).toContain(
      'Examples:\n  $ express-mtls revoke client2',
    );
  });
});

describe('express-mtls crl', () => {
  test('writes the next one, and reports its nextUpdate', async () => {
    const { code, out } = await run('crl', '--days', '7');
    expect(code).toBe(0);
    expect(out).toMatch(
      /ca-crl\.pem is now number 2, with 0 entries, and is current until .* UTC \(in 7 days\)\n$/,
    );
  });

  test('answers as JSON', async () => {
    const { out } = await run('crl', '--json');
    expect(JSON.parse(out)).toMatchObject({ file: join(directory, 'ca-crl.pem'), number: '2', entries: 0 });
  });

  test('reports an obstacle on one line, with the remedy', async () => {
    const { code, out, err } = await runCommand(['crl', '--dir', join(directory, 'typo')]);
    expect({ code, out }).toStrictEqual({ code: 3, out: '' });
    expect(err).toMatch(/^error: \S+\/typo contains no CA; create one with .*\n$/);
  });

  test('--help shows examples', async () => {
    expect((await runCommand(['crl', '--help'])).out).toContain('Examples:\n  $ express-mtls crl\n');
  });
});
