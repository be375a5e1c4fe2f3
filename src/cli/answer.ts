/**
 * The answer of a command, for people and for programs, and its exit code.
 *
 * @module
 */
import { getSystemErrorMap, types } from 'node:util';
import { type ErrorCode, MtlsError, sentenceOf } from '../errors.js';
import { currentDirectory, describeOddPath } from '../material/unreadable.js';
import { type Terminal } from './terminal.js';

/** The exit codes, as documented in docs/command.md. */
export const exitCodes = {
  /** Success, or the answer is yes. */
  done: 0,
  /** The answer is no: something would be refused. */
  no: 1,
  /** The command was called incorrectly. */
  usage: 2,
  /** The command failed. */
  failed: 3,
} as const;

/** The answer of a command. */
export interface Answer {
  /** For people: lines with terminal styles. */
  readonly text: string;
  /** For programs: the output of `--json`. Dates become ISO 8601. */
  readonly data: object;
  /** `'failed'` if one of several inputs failed; the others are in the answer. @defaultValue `'done'` */
  readonly outcome?: 'done' | 'no' | 'failed';
}

/** The options of every command. */
export interface CommonOptions {
  readonly json?: true;
}

/** Runs a command, prints its answer, or its error on one line, and returns the exit code. */
export async function answer(
  terminal: Terminal,
  { json }: CommonOptions,
  work: () => Promise<Answer>,
): Promise<number> {
  try {
    const { text, data, outcome = 'done' } = await work();
    if (json === true) terminal.outJson(data);
    else terminal.out(text);
    return exitCodes[outcome];
  } catch (error) {
    if (json === true) terminal.errJson({ error: describeError(error) });
    else reportError(terminal, error);
    return exitCodes.failed;
  }
}

/** Prints a one-line warning on stderr. */
export function warn(terminal: Terminal, message: string, { json }: CommonOptions): void {
  if (json === true) terminal.errJson({ warning: { message } });
  else terminal.err(`${terminal.style('warning', 'warning')}: ${message}`);
}

// Mistakes in the command line, for which a code is of no use to people: there is nothing to look up.
const mistakes: ReadonlySet<string> = new Set<ErrorCode>([
  'ERR_MTLS_OPTION_INVALID',
  'ERR_MTLS_PASSPHRASE_INVALID',
  'ERR_MTLS_FILE_EXISTS',
  'ERR_MTLS_CERTIFICATE_NOT_FOUND',
  'ERR_MTLS_CA_FOLDER_INVALID',
  'ERR_MTLS_CA_LOCKED',
  'ERR_MTLS_SOURCE_UNREADABLE',
]);

/** Prints an error for people, on stderr: with its code if that is documented and the command line is not at fault. */
export function reportError(terminal: Terminal, error: unknown): void {
  const { code, message } = describeError(error);
  const isDocumented = code.startsWith('ERR_MTLS_') && !mistakes.has(code);
  terminal.err(`${terminal.style('bad', isDocumented ? code : 'error')}: ${message}`);
}

// Remedies for file-system errors.
const remedies: Readonly<Record<string, string | undefined>> = {
  EISDIR: 'it is a folder: specify a file in it',
  ENOTDIR: 'a part of the path is a file, not a folder: specify another folder',
  EACCES: 'this user lacks permission: run the command as the owner of that file or folder',
  EPERM: 'this user lacks permission: run the command as the owner of that file or folder',
  EROFS: 'specify a writable folder',
  ENOSPC: 'free space on that disk',
};

/** An error on one line. Defects of this package are shown in full. */
export function describeError(error: unknown): { code: string; message: string } {
  if (error instanceof MtlsError) return { code: error.code, message: inOneLine(error.message) };
  // Under some test runners, file-system errors come from another realm, where instanceof fails.
  if (types.isNativeError(error) && 'code' in error && 'syscall' in error) {
    const code = String(error.code);
    const remedy = code === 'ENOENT' ? describeMissing(error) : remedies[code];
    const message = describeSystemError(error);
    return { code, message: inOneLine(remedy === undefined ? message : `${message}; ${remedy}`) };
  }
  const defect = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { code: 'defect', message: `this is a defect of express-mtls, please report it: ${defect}` };
}

/** In the words of libuv: `no such file or directory, open 'server.crt'`. */
function describeSystemError(error: object): string {
  const { errno = 0, syscall = '', path, dest } = error as NodeJS.ErrnoException & { readonly dest?: string };
  const [, words = 'unknown error'] = getSystemErrorMap().get(errno) ?? [];
  const paths = [path, dest].filter((each) => each !== undefined).map((each) => `'${each}'`);
  return `${words}, ${[syscall, paths.join(' -> ')].join(' ').trim()}`;
}

function describeMissing(error: object): string {
  const path = 'path' in error && typeof error.path === 'string' ? error.path : '';
  const usual = `check the path, which is relative to the current folder, ${currentDirectory()}`;
  const odd = describeOddPath(path);
  return odd === undefined ? usual : sentenceOf(odd);
}

function inOneLine(text: string): string {
  return text.trim().replace(/\s*\n\s*/g, '; ');
}
