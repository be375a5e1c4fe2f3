/**
 * Material as a server reads it, from sources in memory.
 *
 * @module
 */
import { checkOptions, type MtlsOptions, type Settings } from '../../../src/server/options.js';
import { loadMaterials, type LoadedMaterials, type Materials } from '../../../src/material/material.js';
import { ca } from '../../support/chain.js';

export const root = ca('root');
export const server = root.server();

export function settingsOf(options: Partial<MtlsOptions> = {}): Settings {
  return checkOptions({ key: server.keyPem, cert: server.pem, ca: root.pem, ...options });
}

/** Reads the sources; with `inForce`, as a reload does. */
export async function load(
  options: Partial<MtlsOptions> = {},
  inForce?: Materials,
  enforcer: 'openssl' | 'gate' = 'gate',
): Promise<LoadedMaterials> {
  const { signal } = new AbortController();
  return await loadMaterials(settingsOf(options), { enforcer, signal }, inForce);
}
