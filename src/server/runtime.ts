/**
 * What a JavaScript runtime other than Node lacks.
 *
 * @module
 */
import { MtlsError } from '../errors.js';

/**
 * Refuses Bun, which cannot replace the secure context of a server and does not show the gate its TLS sessions.
 * @param versions - `process.versions`.
 * @throws MtlsError `ERR_MTLS_RUNTIME_UNSUPPORTED`.
 */
export function checkRuntime(versions: Readonly<Record<string, string | undefined>>): void {
  const { bun } = versions;
  if (bun === undefined) return;
  throw new MtlsError('ERR_MTLS_RUNTIME_UNSUPPORTED', {
    seen: `this is Bun ${bun}, which cannot replace the secure context of a server: neither new CRLs nor renewed certificates would come into force`,
    remedy: 'run the server with Node.js or Deno',
  });
}
