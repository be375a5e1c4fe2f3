/**
 * The CAs given to the doctor, and how a certificate is linked to them.
 *
 * @module
 */
import { MtlsError } from '../../errors.js';
import { hasNotSigned, hasOtherKey } from '../../judgement/missing-link.js';
import { describeName } from '../../judgement/refusal.js';
import { createStore } from '../../material/authorities.js';
import { listSome } from '../../shortened-list.js';
import { type CertificateChain, CertificateStore } from '../../x509/certificate-store.js';
import { isCa, isSelfIssued, keyIdentifiersAgree, mayMean } from '../../x509/issuance.js';
import { KeyUsage } from '../../x509/certificate-extensions.js';
import { type Certificate, parseCertificate } from '../../x509/certificate.js';
import { formatPem } from '../../x509/pem.js';
import { type CertificateFile } from './inputs.js';
import { failedWith, passed, skipped, type Step } from './step.js';

/** The CAs, and how a server would assess them. */
export interface Authorities {
  readonly store: CertificateStore;
  readonly step: Step;
}

/** Creates the store like a server. If a server would not start with these CAs, the usable ones are used. */
export function openAuthorities(
  files: readonly CertificateFile[] | undefined,
  at: Date,
  partialChain: 'deny' | 'allow',
): Authorities {
  if (files === undefined)
    return {
      store: new CertificateStore([]),
      step: skipped('ca', 'no --ca was given: certification path and revocation cannot be checked'),
    };
  const sources = files.map(({ origin, ders }) => ({
    origin,
    bytes: Buffer.from(ders.map((der) => formatPem({ label: 'CERTIFICATE', der })).join('')),
  }));
  try {
    const store = createStore(sources, at, partialChain);
    const names = listSome(store.certificates.map(({ subject }) => describeName(subject)));
    return { store, step: passed('ca', `clients of ${names} are trusted`) };
  } catch (error) {
    if (!(error instanceof MtlsError)) throw error;
    const usable = files.flatMap(({ ders }) => ders.flatMap(readCa));
    return { store: new CertificateStore(usable, { partialChain }), step: failedWith('ca', error) };
  }
}

function readCa(der: Buffer): Certificate[] {
  try {
    const certificate = parseCertificate(der);
    return isCa(certificate) ? [certificate] : [];
  } catch (error) {
    if (error instanceof MtlsError) return [];
    throw error;
  }
}

/**
 * `CN=client1, signed by CN=middle (client1-crt.pem), signed by CN=ca (ca-crt.pem), which is a root`. The top of a partial
 * chain is a trust anchor without being a root.
 */
export function describeChain(chain: CertificateChain, files: readonly CertificateFile[]): string {
  const [leaf, ...above] = chain;
  const links = above.map((ca) => {
    const file = files.find(({ ders }) => ders.some((der) => der.equals(ca.raw)));
    return `signed by ${describeName(ca.subject)}${file === undefined ? '' : ` (${file.origin})`}`;
  });
  const name = leaf === undefined ? '' : describeName(leaf.subject);
  const top = chain.at(-1);
  const kind = top === undefined || isSelfIssued(top) ? 'a root' : 'a trust anchor';
  return `${[name, ...links].join(', ')}, which is ${kind}`;
}

// The maximum length of a path.
const mostLinks = 10;

/** Where the path from a certificate to a root is broken; `undefined` if no break is found. */
export function findBreak(
  certificate: Certificate,
  others: readonly Certificate[],
  store: CertificateStore,
): string | undefined {
  let current = certificate;
  for (let link = 0; link < mostLinks; link++) {
    const name = `"${describeName(current.subject)}"`;
    if (isSelfIssued(current) && store.isSignedBy(current.signed, current))
      return `${name} is self-signed, and is not one of the given CAs`;
    const issuer = describeName(current.issuer);
    const { canonical } = current.issuer;
    const named = [
      ...store.named(canonical),
      ...others.filter(({ subject }) => subject.canonical === canonical),
    ];
    const [first] = named;
    if (first === undefined)
      return `${name} was issued by "${issuer}", and no certificate with that name was given`;
    const faults = named.map((ca) => faultOf(ca, current, store));
    const next = named[faults.indexOf(undefined)];
    if (next === undefined)
      return `${name} was issued by "${issuer}", and the certificate with that name ${faults[0] ?? ''}`;
    current = next;
  }
  return undefined;
}

/** Why a CA with the right name did not issue a certificate. */
function faultOf(ca: Certificate, issued: Certificate, store: CertificateStore): string | undefined {
  if (!isCa(ca)) return 'is not a CA (its basicConstraints lack CA:TRUE)';
  if (ca.keyUsage !== undefined && (ca.keyUsage & KeyUsage.keyCertSign) === 0)
    return 'may not sign certificates (its keyUsage lacks keyCertSign)';
  if (!keyIdentifiersAgree(issued.authorityKeyId, ca.subjectKeyId)) return hasOtherKey;
  if (!mayMean(issued, ca))
    return 'does not match its authorityKeyIdentifier (2.5.29.35), which names issuer and serial number';
  if (!store.isSignedBy(issued.signed, ca)) return hasNotSigned;
  return undefined;
}
