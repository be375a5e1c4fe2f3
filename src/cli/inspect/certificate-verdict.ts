/**
 * What a server of this package would make of a certificate, or, of a server's
 * own, its clients.
 *
 * @module
 */
import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { checkCertificatePolicy } from '../../judgement/certificate-policy.js';
import { inspect as askAll } from '../../judgement/judgement.js';
import { describeRefusal } from '../../judgement/refusal.js';
import { type CertificateChain, isCa, isSelfIssued } from '../../x509/certificate-store.js';
import { type Certificate, KeyUsage } from '../../x509/certificate.js';
import { purposes } from '../../x509/purpose.js';
import { type Fault } from './report.js';
import { describeSignature, weakHashOf } from './words.js';

/** What a certificate is judged as. */
export type Role = 'client' | 'server' | 'ca';

/** What it is judged by. */
export interface Circumstances {
  readonly at: Date;
  /** The chain to a CA that is trusted; `'not-asked'` where no CA was named. */
  readonly chain: CertificateChain | undefined | 'not-asked';
  /** The name that a server was called by. */
  readonly hostname?: string | undefined;
}

/** What a certificate says it is for. One that says nothing is taken for a client's. */
export function roleOf(certificate: Certificate): Role {
  if (isCa(certificate)) return 'ca';
  const uses = certificate.extendedKeyUsage ?? [];
  return uses.includes(purposes.serverAuth) && !uses.includes(purposes.clientAuth) ? 'server' : 'client';
}

/** Everything that it would be refused for. */
export function findFaults(certificate: Certificate, role: Role, circumstances: Circumstances): Fault[] {
  const { at, chain } = circumstances;
  const { findings } = askAll(
    { certificate, chain: chain === 'not-asked' ? [certificate] : chain, openssl: 'not-asked' },
    { revocation: undefined, certificates: checkCertificatePolicy() },
    at,
  );
  const faults = findings.flatMap(({ check, refusal }) =>
    refusal === undefined || (check === 'purpose' && role !== 'client') ? [] : [refusal],
  );
  return [
    ...faults.map((refusal) => ({ reason: refusal.reason, detail: describeRefusal(refusal) })),
    ...findUse(certificate, role, circumstances),
    ...findForm(certificate),
  ];
}

function findUse(certificate: Certificate, role: Role, circumstances: Circumstances): Fault[] {
  if (role === 'server') return findServerFaults(certificate, circumstances);
  if (role === 'ca') return findCaFaults(certificate);
  return [];
}

function findCaFaults(certificate: Certificate): Fault[] {
  const usage = certificate.keyUsage;
  if (!isCa(certificate) && ((usage ?? 0) & KeyUsage.crlSign) === 0)
    return [{ reason: 'no-ca', detail: 'it is no CA; give the certificate that signed the clients' }];
  if (usage === undefined || (usage & (KeyUsage.keyCertSign | KeyUsage.crlSign)) !== 0) return [];
  return [
    {
      reason: 'wrong-purpose',
      detail:
        'its keyUsage admits neither certificates nor CRLs; issue it with keyUsage = keyCertSign, cRLSign',
    },
  ];
}

// RFC 9110 section 4.3.4: the names are those of subjectAltName; no client of today looks at the commonName.
function findServerFaults(certificate: Certificate, { hostname }: Circumstances): Fault[] {
  const faults: Fault[] = [];
  const uses = certificate.extendedKeyUsage;
  if (uses !== undefined && !uses.includes(purposes.serverAuth))
    faults.push({
      reason: 'wrong-purpose',
      detail: `it is not for servers; issue it with extendedKeyUsage = serverAuth (${purposes.serverAuth})`,
    });
  const names = certificate.subjectAltNames.filter(({ kind }) => kind === 'dns' || kind === 'ip');
  if (names.length === 0)
    faults.push({
      reason: 'no-names',
      detail: 'it names no host in subjectAltName, where clients look for the name that they called',
    });
  else if (hostname !== undefined && !isFor(certificate, hostname))
    faults.push({
      reason: 'other-name',
      detail: `it is not for ${JSON.stringify(hostname)}; call the server by a name of the certificate, or issue it with that name`,
    });
  return faults;
}

function isFor(certificate: Certificate, hostname: string): boolean {
  try {
    const read = new X509Certificate(certificate.raw);
    return (isIP(hostname) === 0 ? read.checkHost(hostname) : read.checkIP(hostname)) !== undefined;
  } catch {
    return false;
  }
}

// What OpenSSL understands besides what is read here: x509_supported_extensions in its v3_purp.c.
const understood: ReadonlySet<string> = new Set([
  '2.5.29.30',
  '2.5.29.32',
  '2.5.29.33',
  '2.5.29.36',
  '2.5.29.54',
  '1.3.6.1.5.5.7.1.7',
  '1.3.6.1.5.5.7.1.8',
  '2.16.840.1.113730.1.1',
]);

/** What OpenSSL refuses at the handshake. */
function findForm(certificate: Certificate): Fault[] {
  const { algorithm } = certificate.signed;
  const faults: Fault[] = [];
  const weak = weakHashOf(algorithm);
  // Nobody looks at the signature of a root: it is trusted for itself.
  const isRoot = isCa(certificate) && isSelfIssued(certificate);
  if (algorithm.scheme === undefined)
    faults.push({ reason: 'untrusted', detail: `it is signed ${describeSignature(algorithm)}` });
  else if (weak !== undefined && !isRoot)
    faults.push({
      reason: 'untrusted',
      detail: `it is signed with ${weak}, which can be forged and which OpenSSL refuses; issue it with SHA-256`,
    });
  for (const oid of certificate.unknownCriticalExtensions.filter((type) => !understood.has(type)).slice(0, 3))
    faults.push({
      reason: 'untrusted',
      detail: `it has the critical extension ${oid.slice(0, 100)}, which is not understood`,
    });
  return faults;
}
