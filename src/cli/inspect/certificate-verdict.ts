/**
 * What a server of this package would make of a certificate, or, of a server's
 * own, its clients.
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

/** What a certificate is judged as. */
export type Role = 'client' | 'server' | 'ca';

/** What it is judged by. */
export interface Circumstances {
  readonly at: Date;
  /** The path to a CA that is trusted; `'not-asked'` where no CA was named. */
  readonly path: PathChoice | 'not-asked';
  /** The name that a server was called by. */
  readonly hostname?: string | undefined;
}

/** What a certificate says it is for. One that says nothing is taken for a client's. */
export function roleOf(certificate: Certificate): Role {
  if (isCa(certificate)) return 'ca';
  const uses = certificate.extendedKeyUsage ?? [];
  return uses.includes(purposes.serverAuth) && !uses.includes(purposes.clientAuth) ? 'server' : 'client';
}

/** The checks that are about clients alone. */
const ofClients: ReadonlySet<CheckName> = new Set(['path', 'purpose']);

/** Everything that it would be refused for. */
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

/** A signature by an algorithm that is not known cannot be verified. */
function findForm({ signed: { algorithm } }: Certificate): Fault[] {
  if (algorithm.scheme !== undefined) return [];
  return [{ reason: 'untrusted', detail: `it is signed ${describeSignature(algorithm)}` }];
}
