/**
 * The CA that a command works on, and how it comes by the passphrase of its key.
 *
 * @module
 */
import { createPrivateKey } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { openDevCa } from 'express-mtls/dev-ca';
import { askSecret } from '../../../src/cli/ask-secret.js';
import { runCommand } from '../../support/command.js';
import { temporaryDirectory } from '../../support/files.js';

const passphrase = 'correct horse';
const env = { EXPRESS_MTLS_CA_PASSPHRASE: passphrase };

describe('a CA whose key has a passphrase', () => {
  let directory: string;
  beforeAll(async () => {
    directory = temporaryDirectory();
    await runCommand(['init', directory], { env });
  });
  const init = ['--client', 'client1'];

  test('its key is encrypted, and only the passphrase decrypts it', () => {
    const pem = readFileSync(join(directory, 'ca-key.pem'), 'utf8');
    expect(pem).toMatch(/^-----BEGIN ENCRYPTED PRIVATE KEY-----\n/);
    expect(createPrivateKey({ key: pem, passphrase }).asymmetricKeyType).toBe('ec');
    expect(readFileSync(join(directory, 'client1-key.pem'), 'utf8')).toMatch(
      /^-----BEGIN PRIVATE KEY-----\n/,
    );
  });

  test.each(['correct horse', 'correct horse\n', 'correct horse\r\nsecond line\n'])(
    'a file opens it by its first line: %j',
    async (content) => {
      const file = join(temporaryDirectory(), 'passphrase');
      writeFileSync(file, content);
      const { code, out } = await runCommand(['init', directory, ...init, '--passphrase-file', file]);
      expect(code).toBe(0);
      expect(out).toMatch(/^kept /);
    },
  );

  test('the file takes precedence over the variable', async () => {
    const file = join(temporaryDirectory(), 'passphrase');
    writeFileSync(file, 'wrong\n');
    const { code } = await runCommand(['init', directory, '--passphrase-file', file], { env });
    expect(code).toBe(3);
  });

  test('on a terminal there is a prompt', async () => {
    const questions: string[] = [];
    const askSecret = async (question: string): Promise<string> => {
      questions.push(question);
      return passphrase;
    };
    const { code } = await runCommand(['init', directory], { askSecret });
    expect(code).toBe(0);
    expect(questions).toStrictEqual([`Passphrase of ${join(directory, 'ca-key.pem')}: `]);
  });

  test('there is no prompt if the key is not encrypted', async () => {
    const askSecret = (): Promise<string> => Promise.reject(new Error('asked'));
    expect(await runCommand(['init', temporaryDirectory()], { askSecret })).toMatchObject({ code: 0 });
  });

  test.each([
    {
      what: 'without a terminal',
      world: {},
      says: /is encrypted, and there is no terminal to ask for its passphrase; set it with --passphrase-file FILE or EXPRESS_MTLS_CA_PASSPHRASE\n$/,
    },
    {
      what: 'with a wrong passphrase',
      world: { env: { EXPRESS_MTLS_CA_PASSPHRASE: 'battery staple' } },
      says: /ca-key\.pem cannot be decrypted with the given passphrase; pass the right one/,
    },
    {
      what: 'with an empty one',
      world: { env: { EXPRESS_MTLS_CA_PASSPHRASE: '' } },
      says: /EXPRESS_MTLS_CA_PASSPHRASE contains no passphrase; expected the passphrase of the CA key on one line\n$/,
    },
  ])('$what the error is on one line, without the passphrase', async ({ world, says }) => {
    const { code, out, err } = await runCommand(['init', directory], world);
    expect({ code, out }).toStrictEqual({ code: 3, out: '' });
    expect(err).toMatch(says);
    expect(err.match(/\n/g)).toHaveLength(1);
    expect(err).not.toContain('battery staple');
  });

  test('openDevCa() accepts it, and reports if it is missing', async () => {
    await expect(openDevCa(directory, { passphrase })).resolves.toMatchObject({ outcome: 'kept' });
    await expect(openDevCa(directory)).rejects.toThrow(
      /is encrypted, and no passphrase was given; pass the one/,
    );
    await expect(openDevCa(directory, { passphrase: '' })).rejects.toThrow(/passphrase is empty/);
  });
});

describe('askSecret()', () => {
  function terminal(): { input: PassThrough; output: PassThrough } {
    return { input: new PassThrough(), output: new PassThrough() };
  }

  test('returns the line without echoing it', async () => {
    const { input, output } = terminal();
    const answer = askSecret('Passphrase: ', input, output);
    input.write('corect\x7F\x7F\x7Frect horse\r');
    await expect(answer).resolves.toBe(passphrase);
    output.end();
    await expect(text(output)).resolves.toBe('Passphrase: \n');
  });

  test.each([
    ['Ctrl-C', '\x03'],
    ['Ctrl-D', '\x04'],
  ])('%s cancels it', async (_, key) => {
    const { input, output } = terminal();
    const answer = askSecret('Passphrase: ', input, output);
    input.write(key);
    await expect(answer).rejects.toThrow('no passphrase was given; type it and press Enter');
  });
});
