/**
 * The findings of the gate's checks as steps: the outcome, what was seen, and what to do.
 *
 * @module
 */
import { type CheckName } from '../../judgement/judgement.js';
import { describeName, type Refusal, type RefusalReason } from '../../judgement/refusal.js';
import { type Inspection } from '../../judgement/judges.js';
import { type RevocationChecker } from '../../revocation/revocation-checker.js';
import { type CertificateChain, type CertificateStore } from '../../x509/certificate-store.js';
import { type Certificate } from '../../x509/certificate.js';
import { describeDate } from '../time.js';
import { describeChain, findBreak } from './authorities.js';
import { type CertificateFile } from './inputs.js';
import { failed, passed, skipped, type Step } from './step.js';

/** What was inspected, and with what. */
export interface Inspected {
  readonly certificate: Certificate;
  /** The certificates after it in its file. */
  readonly others: readonly Certificate[];
  readonly inspection: Inspection;
  readonly store: CertificateStore;
  readonly cas: readonly CertificateFile[] | undefined;
  readonly crls: RevocationChecker | undefined;
  /** The files that certificates may come from. */
  readonly files: readonly CertificateFile[];
  /** Whether the certificate and the others come from a proxy's header. */
  readonly isForwarded: boolean;
  readonly at: Date;
}

/** The checks that are run here. Those of OpenSSL alone only occur in a handshake. */
type Asked = Exclude<CheckName, 'openssl'>;

const noCa = 'no certification path leads to a CA whose CRL could be checked';

/** One step per check. */
export function describeFindings(of: Inspected): Readonly<Record<Asked, Step>> {
  const refusals = new Map(of.inspection.findings.map(({ check, refusal }) => [check, refusal]));
  return {
    dates: describeDates(of, refusals.get('dates')),
    chain: describeTrust(of, refusals.get('chain')),
    path: describePath(of, refusals.get('path')),
    revocation:
      refusals.get('path')?.reason === 'untrusted'
        ? skipped('revocation', noCa)
        : describeRevocation(of, refusals.get('revocation')),
    purpose: stepOf('purpose', refusals.get('purpose'), 'its extendedKeyUsage has clientAuth'),
    key: stepOf('strength', refusals.get('key'), describeKeys(chainOf(of))),
  };
}

const remedies: Readonly<Record<RefusalReason, string>> = {
  'no-certificate': 'configure the client with a certificate',
  untrusted:
    'use a client certificate of a CA that the server trusts; add its CA to options.ca only if it is an intermediate CA below one of these, or if all its clients should be authenticated',
  expired: 'issue a new certificate; if that date is not in the past, set the clock',
  'not-yet-valid': 'set the clock of this machine, of the server or of the CA, or wait',
  revoked: 'issue a new certificate, with a new key if the old one may be compromised',
  'revocation-unknown': 'publish a current CRL of that CA, and add it to options.crl',
  'wrong-purpose': 'reissue it with extendedKeyUsage = clientAuth',
  'is-a-ca': 'issue a certificate for the client itself',
  'weak-key': 'issue a certificate for a longer key',
  'not-permitted': 'have it issued by a CA that is allowed to',
  'weak-signature': 'issue a new certificate, signed with SHA-256',
  'unsupported-extension': 'issue a certificate without the extension, or with the extension not critical',
  'identity-invalid': 'issue it again',
  'not-a-proxy': 'connect through the proxy',
  'header-invalid': 'correct the configuration of the proxy',
  overloaded: 'try again later',
};

function stepOf(step: string, refusal: Refusal | undefined, praise: string): Step {
  return refusal === undefined
    ? passed(step, praise)
    : failed(step, refusal.detail, refusal.remedy ?? remedies[refusal.reason]);
}

function chainOf({ inspection, certificate }: Inspected): CertificateChain {
  return inspection.chain ?? [certificate];
}

function describeDates(of: Inspected, refusal: Refusal | undefined): Step {
  const clock = `the clock of this machine says ${of.at.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
  const [first, ...rest] = chainOf(of);
  const soonest = rest.reduce(
    (one, other) => (other.notAfter < one.notAfter ? other : one),
    first as Certificate,
  );
  if (refusal === undefined) {
    const who = soonest === first ? '' : `"${describeName(soonest.subject)}", a CA above it, is `;
    return passed('dates', `${who}valid until ${describeDate(soonest.notAfter, of.at.getTime())}; ${clock}`);
  }
  const remedy = `${remedies[refusal.reason]}; ${clock}`;
  return failed('dates', refusal.detail, remedy);
}

function describeTrust(of: Inspected, refusal: Refusal | undefined): Step {
  const { inspection, others, certificate, store, files } = of;
  if (of.cas === undefined) return skipped('chain', 'no --ca was given');
  if (inspection.chain === undefined || refusal !== undefined) {
    const seen = findBreak(certificate, others, store) ?? refusal?.detail ?? '';
    return failed('chain', seen, remedies.untrusted);
  }
  const sent = inspection.chain.filter((link) => others.some(({ raw }) => raw.equals(link.raw)));
  const [fromClient] = sent.filter(({ raw }) => !store.certificates.some((ca) => ca.raw.equals(raw)));
  const chain = describeChain(inspection.chain, files);
  if (fromClient === undefined || of.isForwarded) return passed('chain', chain);
  const name = describeName(fromClient.subject);
  return passed(
    'chain',
    `${chain}; "${name}" comes only from the client's file: the client must send it, and for a server on Node 24 or later, which does not see it, it must be in options.ca`,
  );
}

function describePath({ inspection, cas }: Inspected, refusal: Refusal | undefined): Step {
  // Without a path, a fault of the certificate itself can still be found.
  if (inspection.chain === undefined && refusal === undefined)
    return skipped('path', cas === undefined ? 'no --ca was given' : 'no certification path leads to a CA');
  return stepOf('path', refusal, 'every CA above it permits it');
}

function describeRevocation({ inspection, crls }: Inspected, refusal: Refusal | undefined): Step {
  if (crls === undefined) return skipped('revocation', 'there is no CRL to check');
  const { status } = inspection;
  if (status === undefined) return skipped('revocation', noCa);
  const asked = status.status === 'good' ? status.crls : [];
  const names = [...new Set(asked)].map(({ crl: { issuer, number } }) =>
    number === undefined
      ? `the CRL of ${describeName(issuer)}`
      : `CRL number ${number} of ${describeName(issuer)}`,
  );
  return stepOf('revocation', refusal, `not revoked by ${names.join(' and ')}`);
}

function describeKeys(chain: CertificateChain): string {
  return chain
    .map(({ subject, publicKeyKind: { algorithm, bits } }) =>
      `${describeName(subject)} ${algorithm.toUpperCase()} ${bits ?? ''}`.trim(),
    )
    .join(', ');
}
