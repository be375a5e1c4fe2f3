/**
 * The password of a PKCS#12 file: from a file or the environment, never from the arguments, which other users can
 * read.
 *
 * @module
 */
import { Option } from 'commander';
import { MtlsError } from '../errors.js';
import { readFirstLine } from './secret-file.js';
import type { Terminal } from './terminal.js';

const variable = 'EXPRESS_MTLS_P12_PASSWORD';

/** The options of a command with {@link passwordOptions}. */
export interface PasswordOptions {
  readonly p12?: true;
  readonly p12PasswordFile?: string;
}

/** `--p12` and `--p12-password-file`. */
export function passwordOptions(): Option[] {
  return [
    new Option('--p12', 'also write a PKCS#12 file NAME.p12, for browsers and phones'),
    new Option(
      '--p12-password-file <file>',
      `file with its password in the first line (default: the variable ${variable}, or else a random password)`,
    ).implies({ p12: true }),
  ];
}

/**
 * The password that was given, or `undefined` if one is to be generated.
 * @throws MtlsError `ERR_MTLS_PASSPHRASE_INVALID` if it is empty
 */
export async function readPassword(
  { world }: Terminal,
  { p12PasswordFile: file }: PasswordOptions,
): Promise<string | undefined> {
  const password = file === undefined ? world.env[variable] : await readFirstLine(file);
  if (password !== '') return password;
  throw new MtlsError('ERR_MTLS_PASSPHRASE_INVALID', {
    seen: `${file ?? variable} is empty`,
    remedy: 'put the password there, or omit it to generate one',
  });
}
