/**
 * Errors for a path that cannot be read, and for text that was mistaken for a path. A private key in place of a path
 * never appears in a message.
 *
 * @module
 */
import { isAbsolute, resolve } from 'node:path';
import { MtlsError } from '../errors.js';
import { findFileForm } from '../x509/file-form.js';
import { shorten } from '../x509/string.js';
import { describeUrl } from './source-options.js';

/** Why a source cannot be read, and what to do. */
interface Fault {
  readonly seen: string;
  readonly remedy: string;
}

const faults: Readonly<Record<string, Fault | undefined>> = {
  EACCES: { seen: 'this process may not read it', remedy: 'check its owner and mode' },
  EFBIG: {
    seen: 'it is larger than 2 GiB, the maximum',
    remedy: 'split it, or have the CA partition its list',
  },
  EMFILE: {
    seen: 'this process has reached its limit of open files and connections',
    remedy: 'raise the limit (ulimit -n, LimitNOFILE= of systemd), or limit connections',
  },
  ENFILE: {
    seen: 'this machine has reached its limit of open files',
    remedy: 'raise fs.file-max',
  },
  EISDIR: {
    seen: 'it is a directory or a device; a file was expected',
    remedy: 'specify a file, or move this out of the directory',
  },
};

function faultOf(code: string | undefined, path: string): Fault | undefined {
  if (code === 'ENOENT') return describeMissing(path);
  if (code !== 'ERR_ACCESS_DENIED') return faults[code ?? ''];
  return {
    seen: 'the permission model of Node does not allow it',
    remedy: `start Node with --allow-fs-read=${resolve(path)}, or better with its directory, in which files are replaced`,
  };
}

/** The error for an unreadable source. */
export function unreadable(path: string, option: string, error: unknown): MtlsError {
  const { code } = error as NodeJS.ErrnoException;
  const source = `options.${option}`;
  if (isLikePath(path)) {
    const fault = faultOf(code, path);
    // Without a code it is a defect, of this package or of a preload.
    const what = `cannot read ${JSON.stringify(path)} (${code ?? shorten(String(error))})`;
    const seen = fault === undefined ? what : `${what}: ${fault.seen}`;
    const details = { source, seen, remedy: fault?.remedy };
    return new MtlsError('ERR_MTLS_SOURCE_UNREADABLE', details, { cause: error });
  }
  // Without a cause, which would quote the text.
  const { seen, remedy } = describeText(path);
  return new MtlsError('ERR_MTLS_SOURCE_UNREADABLE', {
    source,
    seen: `cannot read a path of ${path.length} characters (${code ?? 'unknown error'}): it is not a path, but looks like ${seen}`,
    remedy,
  });
}

// Base64 of DER begins with M and a letter up to P, that of PEM with LS0t. What follows can be any secret.
const keyLike = [
  /-----|[\p{Cc}\ufffd]/u,
  /^["'`]*(?:M[A-P][A-Za-z0-9+/=]{30}|LS0t|data:|[{[])/,
  // Lines of base64 joined by a literal \n.
  /[A-Za-z0-9+/=]{40}\\[rn]/,
  /^(?:[A-Za-z0-9+/=]{60,}|[\w+=-]{40,})$/,
];

/** Whether text can be shown as a path: it has none of the forms in which a key is pasted. */
function isLikePath(text: string): boolean {
  return text.length <= 255 && !keyLike.some((pattern) => pattern.test(text.trim()));
}

function describeText(text: string): Fault {
  // Control characters and replacement characters do not occur in text.
  if (/[\0-\x08\x0e-\x1f\ufffd]/.test(text))
    return {
      seen: 'binary data that was read as text',
      remedy: 'read the file without an encoding, which returns a Buffer',
    };
  const form = findFileForm(Buffer.from(text));
  if (form?.code !== undefined)
    return { seen: `PEM or DER in another form: ${form.seen}`, remedy: `in code: ${form.code}` };
  return { seen: 'PEM without its first line', remedy: 'pass all of it, from "-----BEGIN" on' };
}

function describeMissing(path: string): Fault {
  const directory = currentDirectory();
  const place = isAbsolute(path)
    ? ` (the working directory is ${directory})`
    : `, which is relative to the working directory ${directory}`;
  return describeOddPath(path) ?? { seen: 'there is no such file', remedy: `check the path${place}` };
}

/** Why no file can have this path, and what to use instead; `undefined` for an ordinary path. */
export function describeOddPath(path: string): Fault | undefined {
  const given = path.trim();
  const home = /^~[/\\](.*)$/.exec(given)?.[1];
  if (home !== undefined)
    return {
      seen: 'only shells expand "~"',
      remedy: `use the full path, or in code: path.join(os.homedir(), ${JSON.stringify(home)})`,
    };
  const variable = /^(?:\$\{?|%)([A-Za-z_]\w*)/.exec(given)?.[1];
  if (variable !== undefined)
    return { seen: 'only shells expand variables', remedy: `in code: process.env.${variable}` };
  const url = describeUrl(given);
  if (url !== undefined) return { seen: 'it is a URL', remedy: url };
  if (given !== path || /^["'`]|["'`]$/.test(given))
    return {
      seen: 'it is surrounded by white space or quotes',
      remedy: 'in code: value.trim(), or value.slice(1, -1)',
    };
  return undefined;
}

/** The working directory in quotes, or that it was removed. */
export function currentDirectory(): string {
  try {
    return JSON.stringify(process.cwd());
  } catch {
    return 'that was removed';
  }
}
