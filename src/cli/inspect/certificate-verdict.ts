/**
 * Whether a server of this package would accept a certificate or, for a server certificate, whether its clients
 * would.
 *
 * @module
 */
import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { checkCertificatePolicy } from '../../judgement/certificate-policy.js';
import { type CheckName, inspectPath, refuseForPath } from '../../judgement/judgement.js';
import { describeRefusal } from '../../judgement/refusal.js';
import { type PathChoice } from '../../judgement/path-choice.js';
import { isCa } from '../../x509/issuance.js';
import { faultOfLeaf } from '../../x509/path-rules.js';
import { KeyUsage } from '../../x509/certificate-extensions.js';
import { type Certificate } from '../../x509/certificate.js';
import { purposes } from '../../x509/purpose.js';
import { type Fault } from './report.js';
import { describeSignature } from './words.js';

/** The role that a certificate is checked for. */
export type Role = 'client' | 'server' | 'ca';

/** The context of the checks. */
export interface Circumstances {
  readonly at: Date;
  /** The certification path to a trusted CA; `'not-asked'` if no CA was given. */
  readonly path: PathChoice | 'not-asked';
  /** The host name that the server was contacted with. */
  readonly hostname?: string | undefined;
}

/** The purpose that a certificate states. Without one, it counts as a client certificate. */
export function roleOf(certificate: Certificate): Role {
  if (isCa(certificate)) return 'ca';
  const uses = certificate.extendedKeyUsage ?? [];
  return uses.includes(purposes.serverAuth) && !uses.includes(purposes.clientAuth) ? 'server' : 'client';
}

/** The checks that only apply to clients. */
const ofClients: ReadonlySet<CheckName> = new Set(['path', 'purpose']);

/** Every reason to refuse it. */
export function findFaults(certificate: Certificate, role: Role, circumstances: Circumstances): Fault[] {
  const { at, path } = circumstances;
  const asked =
    path === 'not-asked' ? { chain: [certificate] } : { chain: path.best.chain, missing: path.missing };
  const { findings } = inspectPath(
    { certificate, ...asked, openssl: 'not-asked' },
    { revocation: undefined, certificates: checkCertificatePolicy() },
    at,
  );
  const faults = findings.flatMap(({ check, refusal }) =>
    refusal === undefined || (ofClients.has(check) && role !== 'client') ? [] : [refusal],
  );
  const fault = role === 'client' ? undefined : faultOfLeaf(certificate);
  return [
    ...[...faults, ...(fault === undefined ? [] : [refuseForPath(fault)])].map((refusal) => ({
      reason: refusal.reason,
      detail: describeRefusal(refusal),
    })),
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
    return [
      {
        reason: 'no-ca',
        detail: 'it is not a CA; use the certificate of the CA that issued the client certificates',
      },
    ];
  if (usage === undefined || (usage & (KeyUsage.keyCertSign | KeyUsage.crlSign)) !== 0) return [];
  return [
    {
      reason: 'wrong-purpose',
      detail:
        'its keyUsage allows signing neither certificates nor CRLs; reissue it with keyUsage = keyCertSign, cRLSign',
    },
  ];
}

// RFC 9110 section 4.3.4: only the names in subjectAltName count; current clients ignore the commonName.
function findServerFaults(certificate: Certificate, { hostname }: Circumstances): Fault[] {
  const faults: Fault[] = [];
  const uses = certificate.extendedKeyUsage;
  if (uses !== undefined && !uses.includes(purposes.serverAuth))
    faults.push({
      reason: 'wrong-purpose',
      detail: `it is not for servers; reissue it with extendedKeyUsage = serverAuth (${purposes.serverAuth})`,
    });
  const names = certificate.subjectAltNames.filter(({ kind }) => kind === 'dns' || kind === 'ip');
  if (names.length === 0)
    faults.push({
      reason: 'no-names',
      detail: 'it names no host in subjectAltName, where clients look for the host name',
    });
  else if (hostname !== undefined && !isFor(certificate, hostname))
    faults.push({
      reason: 'other-name',
      detail: `it is not for ${JSON.stringify(hostname)}; use a host name in the certificate, or issue it for that name`,
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

/** A signature with an unknown algorithm cannot be verified. */
function findForm({ signed: { algorithm } }: Certificate): Fault[] {
  if (algorithm.scheme !== undefined) return [];
  return [{ reason: 'untrusted', detail: `it is signed ${describeSignature(algorithm)}` }];
}
