/**
 * Files that a command or the CA reads: regular files, up to a size, and pipes that the shell has opened. A FIFO may
 * keep its reader waiting for ever, and a device has no end, or no content.
 *
 * @module
 */
import { constants, createReadStream, type Stats } from 'node:fs';
import { open, stat, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { MtlsError } from '../errors.js';

// What every Node reads at once; newer ones read more.
const largestFile = 2 ** 31 - 1;

// Windows has no such flag.
const { O_NONBLOCK: nonBlocking = 0 } = constants as { readonly O_NONBLOCK?: number };

/**
 * Reads a file. `/dev/stdin` and the `/dev/fd/63` of a shell's `<(…)` are read to their end where they are pipes.
 * @param maxBytes - How much it may hold.
 * @throws MtlsError `ERR_MTLS_SOURCE_UNREADABLE` where it holds more, is no regular file, or is a pipe that gives nothing;
 * what the file system says
 */
export async function readBounded(file: string, maxBytes: number = largestFile): Promise<Buffer> {
  // Looked at before it is opened: opening a device may do something.
  const seen = await stat(file).catch(() => undefined);
  const descriptor = inheritedDescriptor(file);
  if (descriptor !== undefined && (seen?.isFIFO() === true || seen?.isSocket() === true))
    return await readPipe(file, descriptor, maxBytes);
  if (seen !== undefined) checkKind(file, seen);
  // Without the flag, a FIFO that has taken the file's place by now would be waited for.
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

/** What kind of thing in the file system cannot be read as a file; `undefined` for a file, and for a folder. */
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

/** The error for a path that leads to something else than a file. */
export function notRegular(file: string, kind: string): MtlsError {
  return new MtlsError('ERR_MTLS_SOURCE_UNREADABLE', {
    seen: `${file} is ${kind}`,
    expected: 'a regular file',
    remedy: 'save the content to a file, and name that',
  });
}

/** Read as it stands: to open a pipe anew may wait for a writer that has finished. */
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
    seen: `${file} is a pipe that gave nothing`,
    expected: 'the content of a file',
    remedy: 'check the command that writes to it',
  });
}

function tooLarge(file: string, maxBytes: number): MtlsError {
  return new MtlsError('ERR_MTLS_SOURCE_UNREADABLE', {
    seen: `${file} holds more than ${maxBytes.toLocaleString('en')} bytes, which no such file has`,
    remedy: 'name the file that is meant',
  });
}
