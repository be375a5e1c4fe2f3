/**
 * Material as a server reads it, from sources in memory.
 *
 * @module
 */
import { checkOptions, type MtlsOptions, type Settings } from '../../../src/options.js';
import {
  loadMaterial,
  type LoadedMaterial,
  type LoadOptions,
  type Material,
} from '../../../src/tls/material.js';
import { ca } from '../../support/chain.js';

export const root = ca('root');
export const server = root.server();

export function settingsOf(options: Partial<MtlsOptions> = {}): Settings {
  return checkOptions({ key: server.keyPem, cert: server.pem, ca: root.pem, ...options });
}

/** Reads the sources; with `inForce`, as a reload does. */
export async function load(
  options: Partial<MtlsOptions> = {},
  inForce?: Material,
  judge: LoadOptions['judge'] = 'gate',
): Promise<LoadedMaterial> {
  const { signal } = new AbortController();
  return await loadMaterial(settingsOf(options), { judge, signal }, inForce);
}
