/**
 * What a command answers, for people and for programs, and what its exit code says.
 *
 * @module
 */
import { getSystemErrorMap, types } from 'node:util';
import { MtlsError, sentenceOf } from '../errors.js';
import { currentDirectory, describeOddPath } from '../material/unreadable.js';
import { printableJson, type Terminal } from './terminal.js';

/** The exit codes. docs/command.md says the same. */
export const exitCodes = {
  /** It was done, or the answer is yes. */
  done: 0,
  /** The answer is no: somebody would be refused. */
  no: 1,
  /** The command was called wrongly. */
  usage: 2,
  /** It could not be done. */
  failed: 3,
} as const;

/** What a command answers. */
export interface Answer {
  /** For people: lines, with the terminal's styles. */
  readonly text: string;
  /** For programs: what `--json` prints. Dates become ISO 8601. */
  readonly data: object;
  /** `'failed'`: of several things one could not be done, and the others are told. @defaultValue `'done'` */
  readonly outcome?: 'done' | 'no' | 'failed';
}

/** What every command takes. */
export interface CommonOptions {
  readonly json?: true;
}

/** Does the work and prints its answer, or its error in one line, and returns the exit code. */
export async function answer(
  terminal: Terminal,
  { json }: CommonOptions,
  work: () => Promise<Answer>,
): Promise<number> {
  try {
    const { text, data, outcome = 'done' } = await work();
    terminal.out(json === true ? printableJson(JSON.stringify(data, jsonValue, 2)) : text);
    return exitCodes[outcome];
  } catch (error) {
    const { code, message } = describeError(error);
    terminal.err(
      json === true
        ? printableJson(JSON.stringify({ error: { code, message } }))
        : `${terminal.style('bad', code)}: ${message}`,
    );
    return exitCodes.failed;
  }
}

/** Says on stderr what is wrong and stops nothing, in one line. */
export function warn(terminal: Terminal, message: string, { json }: CommonOptions): void {
  terminal.err(
    json === true
      ? printableJson(JSON.stringify({ warning: { message } }))
      : `${terminal.style('warning', 'warning')}: ${message}`,
  );
}

function jsonValue(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}

// What to do where the file system says no.
const remedies: Readonly<Record<string, string | undefined>> = {
  EISDIR: 'that is a folder: name a file in it',
  ENOTDIR: 'a part of that path is a file and no folder: name another folder',
  EACCES: 'this user may not: run it as the owner of that file or folder',
  EPERM: 'this user may not: run it as the owner of that file or folder',
  EROFS: 'name a folder that can be written to',
  ENOSPC: 'make room on that disk',
};

/** An error of this package or of the system in one line; one of our own making is shown whole. */
export function describeError(error: unknown): { code: string; message: string } {
  if (error instanceof MtlsError) return { code: error.code, message: inOneLine(error.message) };
  // One of the file system comes from another realm under some test runners, where instanceof says no.
  if (types.isNativeError(error) && 'code' in error && 'syscall' in error) {
    const code = String(error.code);
    const remedy = code === 'ENOENT' ? describeMissing(error) : remedies[code];
    const message = describeSystemError(error);
    return { code, message: inOneLine(remedy === undefined ? message : `${message}; ${remedy}`) };
  }
  const defect = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { code: 'defect', message: `this is a fault of express-mtls, please report it: ${defect}` };
}

/** As libuv words it: `no such file or directory, open 'server.crt'`. */
function describeSystemError(error: object): string {
  const { errno = 0, syscall = '', path, dest } = error as NodeJS.ErrnoException & { readonly dest?: string };
  const [, words = 'unknown error'] = getSystemErrorMap().get(errno) ?? [];
  const paths = [path, dest].filter((each) => each !== undefined).map((each) => `'${each}'`);
  return `${words}, ${[syscall, paths.join(' -> ')].join(' ').trim()}`;
}

function describeMissing(error: object): string {
  const path = 'path' in error && typeof error.path === 'string' ? error.path : '';
  const usual = `check the path, which is relative to the folder where you are, ${currentDirectory()}`;
  const odd = describeOddPath(path);
  return odd === undefined ? usual : sentenceOf(odd);
}

function inOneLine(text: string): string {
  return text.trim().replace(/\s*\n\s*/g, '; ');
}
