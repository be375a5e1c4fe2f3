/**
 * Describes a certificate.
 *
 * @module
 */
import { identityOf } from '../../identity/client-identity.js';
import { describeOtherPaths } from '../../judgement/explanation.js';
import { describeDistrust, distrustRemedy } from '../../material/blocks.js';
import { listSome } from '../../shortened-list.js';
import { isCa, isSelfIssued } from '../../x509/issuance.js';
import { type Certificate } from '../../x509/certificate.js';
import { purposes } from '../../x509/purpose.js';
import { describeDate } from '../time.js';
import { shorten } from '../../x509/string.js';
import { findFaults, type Role, roleOf } from './certificate-verdict.js';
import { reasonPhrase } from './crl-survey.js';
import { casWithoutCrl } from './crl-verdict.js';
import { type Found } from './material.js';
import { type Fault, type Report, type Row } from './report.js';
import { type Surroundings } from './surroundings.js';
import {
  describeGeneralName,
  describeKey,
  describeSignature,
  wordsOfPurpose,
  shortenList,
  usageNamesOf,
} from './words.js';

const roleNames: Readonly<Record<Role, string>> = {
  client: 'a client certificate',
  server: 'a server certificate',
  ca: 'a CA',
};

/** Describes a certificate. @param hostname - The host name of the server that presented it. */
export function reportCertificate(
  found: Extract<Found, { kind: 'certificate' }>,
  surroundings: Surroundings,
  hostname?: string,
): Report {
  const { certificate, origin } = found;
  const { now, relations, role: asked } = surroundings;
  const role = asked ?? (hostname === undefined || isCa(certificate) ? roleOf(certificate) : 'server');
  const path = relations.pathOf(certificate, now);
  const chain = path === 'not-asked' ? path : path.best.chain;
  const otherPaths =
    path === 'not-asked' ? [] : describeOtherPaths({ otherPaths: path.others, isPartial: path.isPartial });
  const revocations = findRevocations(certificate, surroundings);
  const silent = [...surroundings.surveys.keys()].filter(
    ({ crl }) => revocations.length === 0 && crl.issuer.equals(certificate.issuer),
  );
  const refusals = [
    ...findFaults(certificate, role, { at: now, path, hostname }),
    ...findDistrust(found, role),
    ...revocations,
  ];
  const withoutCrl = role === 'client' ? casWithoutCrl(certificate, chain, surroundings) : undefined;
  const identity = identityOf(certificate);
  const issuer = relations.issuerOf(certificate);
  const issuerOrigin = issuer && relations.originOf(issuer);
  const keys = relations.sharing(certificate.publicKey, ['private-key']);
  const { keyUsage, signed, publicKeyKind, subjectAltNames: names } = certificate;
  return {
    origin,
    title: titleOf(certificate),
    rows: [
      ...(found.friendlyName === undefined ? [] : [['Called', shorten(found.friendlyName)] as const]),
      [
        'Subject',
        certificate.subject.isEmpty ? '(none: see Names)' : shorten(certificate.subject.describe()),
      ],
      ['Issued by', describeIssuer(certificate, issuer, issuerOrigin)],
      ['Valid from', describeDate(certificate.notBefore, now.getTime())],
      ['Valid until', describeDate(certificate.notAfter, now.getTime())],
      ...rowsOf('Names', names.map(describeGeneralName)),
      ...rowsOf('For', describePurposes(certificate)),
      ...(keyUsage === undefined ? [] : [['Key usage', usageNamesOf(keyUsage).join(', ')] as const]),
      ['Key', describeKey(publicKeyKind)],
      ...rowsOf('Private key', keys),
      ...rowsOf(
        'Revoked',
        silent.map((crl) => `not by ${crl.origin}`),
      ),
      ['Signature', describeSignature(signed.algorithm)],
      ['Serial', shorten(identity.serialNumber)],
      ['SHA-256', identity.fingerprint256],
    ],
    notes: role === 'client' ? [...otherPaths, ...notesOn(identity.commonNames, identity.commonName)] : [],
    verdict: {
      as: roleNames[role],
      refusals,
      ...(withoutCrl !== undefined && withoutCrl.length > 0
        ? { reservation: reserve(withoutCrl, chain !== 'not-asked') }
        : { praise: praise(role, chain !== 'not-asked', hostname) }),
    },
    data: {
      type: 'certificate',
      title: titleOf(certificate),
      version: certificate.version,
      ...(found.friendlyName === undefined ? {} : { friendlyName: found.friendlyName }),
      subject: String(certificate.subject),
      commonNames: identity.commonNames,
      issuer: String(certificate.issuer),
      ...(issuerOrigin === undefined ? {} : { issuedBy: issuerOrigin }),
      serialNumber: identity.serialNumber,
      fingerprint256: identity.fingerprint256,
      notBefore: certificate.notBefore,
      notAfter: certificate.notAfter,
      isCa: isCa(certificate),
      subjectAltNames: identity.subjectAltNames,
      extendedKeyUsage: certificate.extendedKeyUsage ?? null,
      keyUsage: keyUsage === undefined ? null : usageNamesOf(keyUsage),
      key: publicKeyKind,
      privateKeys: keys,
      signatureAlgorithm: describeSignature(signed.algorithm),
      unknownCriticalExtensions: certificate.unknownCriticalExtensions,
      ...(chain === 'not-asked' ? {} : { trusted: chain !== undefined }),
      ...(withoutCrl && { revocation: { checked: withoutCrl.length === 0, casWithoutCrl: withoutCrl } }),
    },
  };
}

/** The fault of a TRUSTED CERTIFICATE whose trust settings exclude it as a CA of clients. */
function findDistrust({ trust }: Extract<Found, { kind: 'certificate' }>, role: Role): Fault[] {
  const detail = trust && role === 'ca' ? describeDistrust(trust, purposes.clientAuth) : undefined;
  return detail === undefined ? [] : [{ reason: 'untrusted', detail: `it ${detail}; ${distrustRemedy}` }];
}

function praise(role: Role, isTrusted: boolean, hostname: string | undefined): string {
  if (role === 'ca') return 'Would be accepted as a CA.';
  if (role === 'client')
    return `Would be admitted as a client${isTrusted ? '' : ', by a server that trusts its CA'}.`;
  const name = hostname === undefined ? '' : ` as ${hostname}`;
  return `Would be accepted${name} by clients${isTrusted ? '' : ' that trust its CA'}.`;
}

function reserve(withoutCrl: readonly string[], isTrusted: boolean): string {
  const where = isTrusted ? '' : ' of a server that trusts its CA';
  const cas = listSome(withoutCrl.map((name) => shorten(name)));
  return `Would not be refused as a client${where}, but revocation was not checked: add the file of a CRL of ${cas} that a server would accept.`;
}

/** A row, if there are lines for it. */
export function rowsOf(label: string, lines: readonly string[]): Row[] {
  return lines.length === 0 ? [] : [[label, ...shortenList(lines)]];
}

/** The purposes that a certificate or request states. */
export function describePurposes({
  extendedKeyUsage: uses,
}: Pick<Certificate, 'extendedKeyUsage'>): string[] {
  return (uses ?? []).map(wordsOfPurpose);
}

function titleOf(certificate: Certificate): string {
  const version = certificate.version === 3 ? '' : ` of X.509 version ${certificate.version}`;
  if (isCa(certificate))
    return `${isSelfIssued(certificate) ? 'root CA' : 'intermediate CA'} certificate${version}`;
  const uses = certificate.extendedKeyUsage;
  const isFor = (purpose: string): boolean => uses?.includes(purpose) === true;
  const { clientAuth, serverAuth } = purposes;
  if (isFor(clientAuth) && isFor(serverAuth)) return 'client and server certificate';
  if (isFor(clientAuth)) return 'client certificate';
  if (isFor(serverAuth)) return 'server certificate';
  return uses === undefined
    ? `certificate${version} without a stated purpose`
    : 'certificate for neither clients nor servers';
}

function describeIssuer(
  certificate: Certificate,
  issuer: Certificate | undefined,
  origin: string | undefined,
): string {
  if (issuer?.raw.equals(certificate.raw) === true) return 'itself';
  const name = certificate.issuer.isEmpty ? '(no name)' : shorten(certificate.issuer.describe());
  return origin === undefined ? name : `${name} (${origin})`;
}

function findRevocations(certificate: Certificate, { surveys, now }: Surroundings): Fault[] {
  return [...surveys].flatMap(([{ origin }, { listings }]) =>
    listings
      .filter(({ wanted, reason }) => wanted.certificate === certificate && reason !== 'removeFromCRL')
      .map(({ reason, revocationDate }) => ({
        reason: 'revoked',
        detail: `${origin} lists it since ${describeDate(revocationDate, now.getTime())}, ${reasonPhrase(reason)}`,
      })),
  );
}

function notesOn(commonNames: readonly string[], usable: string | undefined): string[] {
  if (commonNames.length === 0 || usable !== undefined) return [];
  const why =
    commonNames.length > 1
      ? `it has ${commonNames.length} commonNames`
      : 'its commonName is empty, too long, or has invisible characters';
  return [`${why}, so no rule by commonName matches it`];
}
