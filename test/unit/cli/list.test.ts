/**
 * `express-mtls list`, and tables.
 *
 * @module
 */
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { openDevCa } from '../../../src/dev-ca/dev-ca.js';
import { runCommand } from '../../support/command.js';
import { temporaryDirectory } from '../../support/files.js';

const now = (): number => Date.UTC(2030, 0, 1);
let directory: string;
beforeEach(() => {
  directory = temporaryDirectory();
});

const list = (...args: string[]): ReturnType<typeof runCommand> =>
  runCommand(['list', '--dir', directory, ...args], { now });

describe('express-mtls list', () => {
  test('shows names, purposes, expiry and revocation in columns', async () => {
    const ca = await openDevCa(directory, { now });
    const { serialNumber: one } = await ca.issueServer({ days: 3 });
    const { serialNumber: two } = await ca.issueClient('client1', { commonName: '日本 client' });
    const { serialNumber: three } = await ca.renew('client1', { old: 'revoke' });
    const { code, out, err } = await list();
    expect({ code, err }).toStrictEqual({ code: 0, err: '' });
    expect(out.split('\n')).toStrictEqual([
      'NAME           COMMON NAME  KIND    SERIAL                            UNTIL                     REVOKED',
      `server         localhost    server  ${one}  2030-01-04 (in 3 days)`,
      `client1 (old)  日本 client  client  ${two}  2031-01-01 (in 365 days)  2030-01-01 superseded`,
      `client1        日本 client  client  ${three}  2031-01-01 (in 365 days)`,
      '',
    ]);
  });

  test('is complete in a pipe, and escapes control characters before measuring', async () => {
    const ca = await openDevCa(directory, { now });
    await ca.issueClient('x'.repeat(64), { commonName: `\u202Egnp${'y'.repeat(40)}` });
    const { out } = await list();
    expect(out.split('\n')[1]).toMatch(
      /^x{64} {2}\\u\{202e\}gnpy{40} {2}client {2}[0-9a-f]{32} {2}2031-01-01 \(in 365 days\)$/,
    );
    expect(await runCommand(['list', '--dir', directory], { now, env: { COLUMNS: '40' } })).toMatchObject({
      out,
    });
  });

  test('on a terminal, leaves out columns, then wraps cells, then cuts words, and says so', async () => {
    const ca = await openDevCa(directory, { now });
    await ca.issueServer();
    await ca.issueClient('client1');
    await ca.revoke('client1', { reason: 'cessationOfOperation' });
    const at = async (outWidth: number): Promise<string[]> =>
      (await runCommand(['list', '--dir', directory], { now, outWidth })).out.trimEnd().split('\n');
    expect(await at(200)).toHaveLength(3);
    expect(await at(80)).toStrictEqual([
      'NAME     COMMON NAME  KIND    UNTIL                     REVOKED',
      'server   localhost    server  2031-01-01 (in 365 days)',
      'client1  client1      client  2031-01-01 (in 365 days)  2030-01-01',
      '                                                        cessationOfOperation',
      'To fit this terminal, SERIAL is left out. With --json or in a pipe the list is',
      'complete.',
    ]);
    expect(await at(50)).toStrictEqual([
      'NAME     UNTIL          REVOKED',
      'server   2031-01-01',
      '         (in 365 days)',
      'client1  2031-01-01     2030-01-01',
      '         (in 365 days)  cessationOfOperation',
      'To fit this terminal, COMMON NAME, KIND, SERIAL',
      'are left out. With --json or in a pipe the list is',
      'complete.',
    ]);
    expect(await at(31)).toStrictEqual([
      'NAME     UNTIL       REVOKED',
      'server   2031-01-01',
      '         (in 365',
      '         days)',
      'client1  2031-01-01  2030-01-01',
      '         (in 365     cessation…',
      '         days)',
      'To fit this terminal, COMMON',
      'NAME, KIND, SERIAL are left',
      'out, and long words are cut.',
      'With --json or in a pipe the',
      'list is complete.',
    ]);
  });

  test('colours revoked certificates, and those that expire soon', async () => {
    const ca = await openDevCa(directory, { now });
    await ca.issueClient('a', { days: 3 });
    await ca.issueClient('b', { days: 1 });
    await ca.revoke('b');
    const { out } = await runCommand(['list', '--dir', directory], { now, hasColours: true });
    expect(out).toContain('\u001B[33m2030-01-04 (in 3 days)\u001B[39m');
    expect(out).toContain('\u001B[31m2030-01-01\u001B[39m');
  });

  test('suggests the next step if nothing was issued', async () => {
    await openDevCa(directory);
    expect(await list()).toStrictEqual({
      code: 0,
      out: `nothing has been issued in ${directory} yet; see express-mtls issue --help\n`,
      err: '',
    });
  });

  test('answers as JSON', async () => {
    const ca = await openDevCa(directory, { now });
    const { serialNumber, notAfter } = await ca.issueClient('client1');
    expect(JSON.parse((await list('--json')).out)).toStrictEqual({
      certificates: [
        {
          name: 'client1',
          kind: 'client',
          commonName: 'client1',
          serialNumber,
          notAfter: notAfter.toISOString(),
        },
      ],
    });
  });

  test('reports an obstacle on one line, with the remedy', async () => {
    const { code, out, err } = await runCommand(['list', '--dir', join(directory, 'typo'), '--json']);
    expect({ code, out }).toStrictEqual({ code: 3, out: '' });
    expect(JSON.parse(err)).toMatchObject({ error: { code: 'ERR_MTLS_CA_FOLDER_INVALID' } });
  });

  test('--help shows examples', async () => {
    expect((await runCommand(['list', '--help'])).out).toContain('Examples:\n  $ express-mtls list\n');
  });
});
