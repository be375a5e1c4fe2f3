/**
 * The CA that a command works on: its folder, and the passphrase of its key if that is encrypted.
 *
 * @module
 */
import path from 'node:path';
import { Option } from 'commander';
import { openFolder, type DevCa, type DevCaOptions } from '../dev-ca/dev-ca.js';
import { readIfPresent } from '../dev-ca/files.js';
import { faultOfFolder } from '../dev-ca/folder.js';
import { isEncryptedKey } from '../dev-ca/keys.js';
import { MtlsError } from '../errors.js';
import { warn, type CommonOptions } from './answer.js';
import { readFirstLine } from './secret-file.js';
import type { Terminal } from './terminal.js';

const passphraseVariable = 'EXPRESS_MTLS_CA_PASSPHRASE';

/** The options of a command with {@link passphraseOption}. */
export interface PassphraseOptions extends CommonOptions {
  readonly passphraseFile?: string | undefined;
}

/** The options of a command with `directoryOption()` and {@link passphraseOption}. */
export interface CaOptions extends PassphraseOptions {
  readonly dir: string;
}

/** `--passphrase-file FILE`. */
export function passphraseOption(): Option {
  return new Option(
    '--passphrase-file <file>',
    `file with the passphrase of the CA key in its first line (default: the variable ${passphraseVariable}, or else a prompt)`,
  );
}

/**
 * Opens the CA of a command, or creates it. Prompts for the passphrase only if the key is encrypted.
 * @param params - How to create a missing CA.
 * @throws MtlsError like `openDevCa()` and {@link readPassphrase}
 */
export async function openCa(
  terminal: Terminal,
  options: CaOptions,
  params: Omit<DevCaOptions, 'passphrase' | 'now'> = {},
): Promise<DevCa> {
  const { now } = terminal.world;
  const keyFile = path.join(options.dir, 'ca-key.pem');
  const passphrase = await readPassphrase(terminal, options, keyFile);
  await warnOfFolder(terminal, options);
  return await terminal.during('opening the CA', () =>
    openFolder(options.dir, { ...params, ...(passphrase === undefined ? {} : { passphrase }), now }),
  );
}

/** Warns if others can write to the folder of the CA. Its mode is not changed, because it may be intended. */
export async function warnOfFolder(terminal: Terminal, options: CaOptions): Promise<void> {
  const message = await faultOfFolder(options.dir);
  if (message !== undefined) warn(terminal, message, options);
}

/**
 * The passphrase of a CA key: from the file, or from the variable, or, if the key is encrypted, from a prompt.
 * @returns `undefined` if none was given and the key does not need one or does not exist.
 * @throws MtlsError `ERR_MTLS_PASSPHRASE_INVALID` for an empty passphrase, and if one is needed and there is no
 *   terminal to prompt on
 */
export async function readPassphrase(
  terminal: Terminal,
  { passphraseFile }: PassphraseOptions,
  keyFile: string,
): Promise<string | undefined> {
  const { env, askSecret } = terminal.world;
  if (passphraseFile !== undefined) {
    return notEmpty(await readFirstLine(passphraseFile), passphraseFile);
  }
  const variable = env[passphraseVariable];
  if (variable !== undefined) return notEmpty(variable, passphraseVariable);
  const key = await readIfPresent(keyFile);
  if (key === undefined || !isEncryptedKey(key)) return undefined;
  if (askSecret !== undefined) return notEmpty(await askSecret(`Passphrase of ${keyFile}: `), 'the answer');
  throw new MtlsError('ERR_MTLS_PASSPHRASE_INVALID', {
    seen: `${keyFile} is encrypted, and there is no terminal to ask for its passphrase`,
    remedy: `set it with --passphrase-file FILE or ${passphraseVariable}`,
  });
}

function notEmpty(passphrase: string, origin: string): string {
  if (passphrase !== '') return passphrase;
  throw new MtlsError('ERR_MTLS_PASSPHRASE_INVALID', {
    seen: `${origin} contains no passphrase`,
    expected: 'the passphrase of the CA key on one line',
  });
}
