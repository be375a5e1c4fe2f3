/**
 * `express-mtls renew`.
 *
 * @module
 */
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { caFolder } from '../../support/ca-folder.js';
import { runCommand } from '../../support/command.js';

describe('express-mtls renew', () => {
  test('reports each file, and the old certificate', async () => {
    const folder = await caFolder();
    const { code, out, err } = await runCommand(['renew', 'server', '--dir', folder, '--days', '30']);
    expect({ code, err }).toStrictEqual({ code: 0, err: '' });
    expect(out).toMatch(
      /^renewed {2}\S+\/server-crt\.pem\nkept {5}\S+\/server-key\.pem\nold {6}\S+\/old\/server-[0-9a-f]{32}-crt\.pem\n\nThe new certificate has the serial number [0-9a-f]{32}, and is valid until .*\(in 30 days\)\.\nThe old one, [0-9a-f]{32}, stays valid until .*\(in 365 days\) unless it is revoked with express-mtls revoke\.\n$/,
    );
  });

  test('with a new key, and the old certificate revoked', async () => {
    const folder = await caFolder();
    await runCommand(['issue', 'client', 'client1', '--p12', '--dir', folder]);
    const { out } = await runCommand(['renew', 'client1', '--new-key', '--revoke-old', '--dir', folder]);
    expect(out).toMatch(
      /^renewed {2}\S+-crt\.pem\nrenewed {2}\S+-key\.pem\nold {6}\S+-crt\.pem\nold {6}\S+-key\.pem\n/,
    );
    expect(out).toMatch(/\nThe old one, [0-9a-f]{32}, is revoked: \S+ is now number 2, with 1 entry, .*\.\n/);
    expect(out).toMatch(
      /client1\.p12 still contains the old certificate; express-mtls issue client client1 --p12 --dir \S+ replaces it\.\n$/,
    );
  });

  test('answers as JSON', async () => {
    const folder = await caFolder();
    const { out } = await runCommand(['renew', 'client1', '--revoke-old', '--dir', folder, '--json']);
    expect(JSON.parse(out)).toMatchObject({
      name: 'client1',
      certFile: join(folder, 'client1-crt.pem'),
      previous: { formerName: 'client1', reason: 'superseded' },
      crl: { number: '2' },
    });
  });

  test('reports an obstacle on one line, with the remedy', async () => {
    const folder = await caFolder();
    await runCommand(['revoke', 'client1', '--dir', folder]);
    const { code, out, err } = await runCommand(['renew', 'client1', '--dir', folder]);
    expect({ code, out }).toStrictEqual({ code: 3, out: '' });
    expect(err).toMatch(
      /^error: .* a renewal would admit it again; if that is intended, remove its files .*\n$/,
    );
  });

  test('--as cannot change the stated purpose of a certificate', async () => {
    const folder = await caFolder();
    const renewal = ['renew', 'server', '--dir', folder, '--as'];
    const { code, err } = await runCommand([...renewal, 'client']);
    expect(code).toBe(3);
    expect(err).toMatch(
      /server-crt\.pem is for a server, which cannot be changed; issue one for a client under another name\n$/,
    );
    expect(await runCommand([...renewal, 'server'])).toMatchObject({ code: 0 });
    expect(await runCommand([...renewal, 'both'])).toMatchObject({ code: 2 });
  });

  test('--help shows examples', async () => {
    expect((await runCommand(['renew', '--help'])).out).toContain(
      'Examples:\n  $ express-mtls renew server\n',
    );
  });
});
