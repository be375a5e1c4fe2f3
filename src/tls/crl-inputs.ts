/**
 * From the options' CRL sources to inputs that any thread can read.
 *
 * @module
 */
import { type CrlSource } from '../options.js';
import { type CrlInput } from './crl-loading.js';
import { callLoader, isPath } from './sources.js';

/**
 * Calls the loaders, and leaves files to whoever reads them.
 * @throws what a loader rejects with; MtlsError `ERR_MTLS_CRL_INVALID` for one that gives nothing.
 */
export async function toCrlInputs(sources: readonly CrlSource[], signal: AbortSignal): Promise<CrlInput[]> {
  const inputs = sources.map(async (source, index): Promise<CrlInput[]> => {
    const option = sources.length === 1 ? 'crl' : `crl[${index}]`;
    if (isPath(source)) return [{ path: source, option }];
    if (typeof source === 'object' && 'load' in source) return await callLoader(source, option, signal);
    return [{ bytes: Buffer.from(source as string | Buffer), origin: `options.${option}` }];
  });
  return (await Promise.all(inputs)).flat();
}
