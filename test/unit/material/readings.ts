/**
 * Material as a server reads it, from sources in memory.
 *
 * @module
 */
import { type MtlsOptions } from '../../../src/server/options.js';
import { checkOptions, type Settings } from '../../../src/server/settings.js';
import { type MaterialChange, MaterialReader, type Materials } from '../../../src/material/material.js';
import { combined } from '../../../src/material/source-fault.js';
import { ca } from '../../support/chain.js';

export const root = ca('root');
export const server = root.server();

export function settingsOf(options: Partial<MtlsOptions> = {}): Settings {
  return checkOptions({ key: server.keyPem, cert: server.pem, ca: root.pem, ...options });
}

/** Reads the sources; with `inForce`, as a reload does. @throws MtlsError every fault */
export async function load(
  options: Partial<MtlsOptions> = {},
  inForce?: Materials,
  enforcer: 'openssl' | 'gate' = 'gate',
): Promise<MaterialChange> {
  const { signal } = new AbortController();
  const reader = new MaterialReader(settingsOf(options), enforcer);
  reader.refresh(signal);
  let reading;
  do {
    await Promise.all(reader.pending);
    reading = reader.read(inForce, signal);
  } while (reader.pending.length > 0);
  const fault = combined(reading.faults);
  if (fault !== undefined) throw fault;
  return reading.whole as MaterialChange;
}
