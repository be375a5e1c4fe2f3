/**
 * What is said about a path that cannot be read, and about text that was taken
 * for one. A key in the place of a path gets into no message.
 *
 * @module
 */
import { isAbsolute } from 'node:path';
import { MtlsError } from '../errors.js';
import { findFileForm } from '../x509/file-form.js';
import { describeUrl } from './source-options.js';

const remedies: Readonly<Record<string, string | undefined>> = {
  EACCES: 'this process may not read it; check its owner and mode',
  EFBIG:
    'it has more than 2 GiB, which is the most that is read; split it, or have the CA partition its list',
  EISDIR:
    'it is a directory or a device, and a file was expected; name a file, or move this out of the directory',
};

/** The error about a source that cannot be read. */
export function unreadable(path: string, option: string, error: unknown): MtlsError {
  const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
  const start = `options.${option}: cannot read`;
  if (isLikePath(path)) {
    const why = code === 'ENOENT' ? describeMissing(path) : (remedies[code] ?? code);
    const message = `${start} ${JSON.stringify(path)} (${code}): ${why}`;
    return new MtlsError('ERR_MTLS_OPTION_INVALID', message, { cause: error });
  }
  // The cause would quote it.
  const message = `${start} a path of ${path.length} characters (${code}): it is no path, but looks like ${describeText(path)}`;
  return new MtlsError('ERR_MTLS_OPTION_INVALID', message);
}

// The base64 of DER begins with M and a letter up to P, that of PEM with LS0t; then what may be any secret.
const keyLike = [
  /-----|[\p{Cc}\ufffd]/u,
  /^["'`]*(?:M[A-P][A-Za-z0-9+/=]{30}|LS0t|data:|[{[])/,
  // Lines of base64 that are joined by a literal \n.
  /[A-Za-z0-9+/=]{40}\\[rn]/,
  /^(?:[A-Za-z0-9+/=]{60,}|[\w+=-]{40,})$/,
];

/** Whether text may be shown as a path: it is none of the forms in which a key is pasted. */
function isLikePath(text: string): boolean {
  return text.length <= 255 && !keyLike.some((pattern) => pattern.test(text.trim()));
}

function describeText(text: string): string {
  // What no decoder could read, and what no text has.
  if (/[\0-\x08\x0e-\x1f\ufffd]/.test(text))
    return 'bytes that were read as text; read the file without an encoding, so that it is a Buffer';
  const form = findFileForm(Buffer.from(text));
  if (form?.code !== undefined) return `PEM or DER in another form: ${form.seen}; in code: ${form.code}`;
  return 'PEM without its first line; give all of it, from "-----BEGIN" on';
}

function describeMissing(path: string): string {
  const directory = currentDirectory();
  return (
    describeOddPath(path) ??
    `there is no such file; check the path${isAbsolute(path) ? ` (the working directory is ${directory})` : `, which is relative to the working directory ${directory}`}`
  );
}

/** What to write in place of a path at which nothing can be; `undefined`: it is a path like others. */
export function describeOddPath(path: string): string | undefined {
  const given = path.trim();
  const home = /^~[/\\](.*)$/.exec(given)?.[1];
  if (home !== undefined)
    return `"~" is expanded by shells alone; write the whole path, or in code: path.join(os.homedir(), ${JSON.stringify(home)})`;
  const variable = /^(?:\$\{?|%)([A-Za-z_]\w*)/.exec(given)?.[1];
  if (variable !== undefined)
    return `variables are expanded by shells alone; in code: process.env.${variable}`;
  const url = describeUrl(given);
  if (url !== undefined) return `it is a URL; ${url}`;
  if (given !== path || /^["'`]|["'`]$/.test(given))
    return 'it has white space or quotes around it; in code: value.trim(), or value.slice(1, -1)';
  return undefined;
}

/** The working directory in quotes, or what became of it. */
export function currentDirectory(): string {
  try {
    return JSON.stringify(process.cwd());
  } catch {
    return 'that was removed';
  }
}
