/**
 * Reads regular files up to a size limit, and pipes that the shell has opened. A FIFO can block its reader forever,
 * and a device has no end or no content.
 *
 * @module
 */
import { constants, createReadStream, type Stats } from 'node:fs';
import { open, stat, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { MtlsError } from '../errors.js';

// The limit of every supported Node version for reading a file at once.
const largestFile = 2 ** 31 - 1;

// Windows does not have this flag.
const { O_NONBLOCK: nonBlocking = 0 } = constants as { readonly O_NONBLOCK?: number };

/**
 * Reads a file. `/dev/stdin` and the `/dev/fd/63` of a shell's `<(…)` are read to the end if they are pipes.
 * @param maxBytes - The size limit.
 * @throws MtlsError `ERR_MTLS_SOURCE_UNREADABLE` if the file is larger, is not a regular file, or is an empty pipe;
 *   errors of the file system
 */
export async function readBounded(file: string, maxBytes: number = largestFile): Promise<Buffer> {
  // Checked before opening: opening a device can have side effects.
  const seen = await stat(file).catch(() => undefined);
  const descriptor = inheritedDescriptor(file);
  if (descriptor !== undefined && (seen?.isFIFO() === true || seen?.isSocket() === true))
    return await readPipe(file, descriptor, maxBytes);
  if (seen !== undefined) checkKind(file, seen);
  // Without this flag, open() would wait for the writer of a FIFO that has just replaced the file.
  const handle = await open(file, constants.O_RDONLY | nonBlocking);
  try {
    return await readRegular(file, handle, maxBytes);
  } finally {
    await handle.close();
  }
}

async function readRegular(file: string, handle: FileHandle, maxBytes: number): Promise<Buffer> {
  const seen = await handle.stat();
  checkKind(file, seen);
  if (seen.isFile() && seen.size > maxBytes) throw tooLarge(file, maxBytes);
  const bytes = await handle.readFile();
  if (bytes.length > maxBytes) throw tooLarge(file, maxBytes);
  return bytes;
}

/** Why a file-system entry cannot be read as a file; `undefined` for a file or a directory. */
export function unreadableKind(seen: Stats): string | undefined {
  if (seen.isFIFO()) return 'a FIFO (a named pipe)';
  if (seen.isSocket()) return 'a socket';
  if (seen.isCharacterDevice()) return 'a character device';
  if (seen.isBlockDevice()) return 'a block device';
  return undefined;
}

function checkKind(file: string, seen: Stats): void {
  const kind = unreadableKind(seen);
  if (kind !== undefined) throw notRegular(file, kind);
}

/** The error for a path that is not a file. */
export function notRegular(file: string, kind: string): MtlsError {
  return new MtlsError('ERR_MTLS_SOURCE_UNREADABLE', {
    seen: `${file} is ${kind}`,
    expected: 'a regular file',
    remedy: 'save the content to a file, and use that file',
  });
}

/** An inherited pipe is read from its descriptor: opening it again could wait for a writer that has finished. */
function inheritedDescriptor(file: string): number | undefined {
  const place = path.resolve(file);
  if (place === '/dev/stdin') return 0;
  const number = /^\/(?:dev|proc\/self)\/fd\/(\d+)$/.exec(place)?.[1];
  return number === undefined ? undefined : Number(number);
}

async function readPipe(file: string, descriptor: number, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of createReadStream(file, { fd: descriptor, autoClose: false })) {
    chunks.push(chunk as Buffer);
    length += (chunk as Buffer).length;
    if (length > maxBytes) throw tooLarge(file, maxBytes);
  }
  if (length > 0) return Buffer.concat(chunks);
  throw new MtlsError('ERR_MTLS_SOURCE_UNREADABLE', {
    seen: `${file} is an empty pipe`,
    expected: 'the content of a file',
    remedy: 'check the command that writes to it',
  });
}

function tooLarge(file: string, maxBytes: number): MtlsError {
  return new MtlsError('ERR_MTLS_SOURCE_UNREADABLE', {
    seen: `${file} holds more than ${maxBytes.toLocaleString('en')} bytes, which is too large for this kind of file`,
    remedy: 'specify the right file',
  });
}
