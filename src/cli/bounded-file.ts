/**
 * Files that a command is told to read, up to a size: a device has no end.
 *
 * @module
 */
import { open } from 'node:fs/promises';
import { MtlsError } from '../errors.js';

/**
 * Reads a file, or what a pipe gives.
 * @param maxBytes - How much it may hold.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID` where it holds more; what the file system says
 */
export async function readBounded(file: string, maxBytes: number): Promise<Buffer> {
  const handle = await open(file);
  try {
    const stats = await handle.stat();
    if (stats.isFile()) return stats.size > maxBytes ? refuse(file, maxBytes) : await handle.readFile();
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of handle.createReadStream({ autoClose: false }) as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > maxBytes) refuse(file, maxBytes);
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  } finally {
    await handle.close();
  }
}

function refuse(file: string, maxBytes: number): never {
  throw new MtlsError(
    'ERR_MTLS_OPTION_INVALID',
    `${file} holds more than ${maxBytes.toLocaleString('en')} bytes, which no such file has; name the file that is meant`,
  );
}
