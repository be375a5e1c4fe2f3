/**
 * The CAs above a certificate: those that are sent with it, and those that a server is configured with.
 *
 * @module
 */
import type { X509Certificate } from 'node:crypto';
import path from 'node:path';
import { isIssuedBy, parseCertificate, type Authority } from './authority.js';
import { readIfPresent } from './files.js';

/** The file in which an intermediate CA keeps its certificate and those of the CAs above it. */
export function chainFileOf(directory: string): string {
  return path.join(directory, 'ca-chain.pem');
}

/**
 * A CA and the CAs above it, as far as its folder has them.
 * @throws MtlsError `ERR_MTLS_PEM_INVALID`
 */
export async function readChain({ certificate, directory }: Authority): Promise<X509Certificate[]> {
  const file = chainFileOf(directory);
  const pem = (await readIfPresent(file)) ?? '';
  const others = (pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).map(
    (block) => parseCertificate(block, file),
  );
  const chain = [certificate];
  for (let next: X509Certificate | undefined = certificate; next !== undefined;) {
    const below: X509Certificate = next;
    next = others.find((each) => isIssuedBy(below, { certificate: each }) && !isIn(chain, each));
    if (next !== undefined) chain.push(next);
  }
  return chain;
}

/** The PEM that is sent after a certificate: its CAs without the root, which the peer already has. */
export function formatSent(chain: readonly X509Certificate[]): string {
  return chain
    .filter((each) => !each.checkIssued(each))
    .map(String)
    .join('');
}

function isIn(chain: readonly X509Certificate[], certificate: X509Certificate): boolean {
  return chain.some(({ raw }) => raw.equals(certificate.raw));
}
