/**
 * Converts the CRL sources of the options to inputs that any thread can read.
 *
 * @module
 */
import { resolve } from 'node:path';
import { allOrFaults } from './all-or-faults.js';
import { dropOthers } from './blocks.js';
import { type CrlInput } from './crl-loading.js';
import { type CaSource, type CrlSource } from './source-options.js';
import { callLoader, copyLoaded, crlBlocks, isAmong, isDirectory, isLoader, isPath } from './sources.js';

/**
 * Calls the loaders. Files are only checked for existence here and read later.
 * @param name - The name of the option, for errors.
 * @param ca - The sources of CAs, whose files can be among the CRLs.
 * @throws MtlsError `ERR_MTLS_SOURCE_UNREADABLE` for a missing path, and for a loader that rejects or returns
 *   nothing.
 */
export async function toCrlInputs(
  sources: readonly CrlSource[],
  name: string,
  signal: AbortSignal,
  ca: readonly CaSource[] = [],
): Promise<CrlInput[]> {
  const paths = ca.filter(isPath).map((path) => resolve(path));
  const cas = paths.length === 0 ? {} : { cas: paths };
  const inputs = sources.map(async (source, index): Promise<CrlInput[]> => {
    const option = sources.length === 1 ? name : `${name}[${index}]`;
    if (isPath(source)) return [{ ...findPath(source, option), ...cas }];
    if (isLoader(source)) {
      const loaded = copyLoaded(await callLoader(source, { option, ...crlBlocks }, signal), option);
      return [...dropOthers(loaded, () => isAmong(source, ca, crlBlocks), crlBlocks)];
    }
    return [{ bytes: Buffer.from(source), origin: `options.${option}` }];
  });
  return (await allOrFaults(inputs)).flat();
}

function findPath(path: string, option: string): { path: string; option: string } {
  isDirectory(path, option);
  return { path, option };
}
