/**
 * Describes a CRL.
 *
 * @module
 */
import { count } from '../../quantity.js';
import { type Crl } from '../../x509/crl.js';
import { type DistributionPointName, type IssuingDistributionPoint } from '../../x509/distribution-point.js';
import { describeDate } from '../time.js';
import { shorten } from '../../x509/string.js';
import { rowsOf } from './certificate-report.js';
import { type CrlSurvey, type Listing, reasonPhrase, type Wanted } from './crl-survey.js';
import { judgeCrl } from './crl-verdict.js';
import { type Fault, type Report } from './report.js';
import { type FoundCrl, type Surroundings } from './surroundings.js';
import { describeGeneralName, describeSignature } from './words.js';

/** Describes a CRL. @param wanted - The certificates of `--find`. Being listed is a reason to be refused. */
export function reportCrl(found: FoundCrl, surroundings: Surroundings, wanted: readonly Wanted[]): Report {
  const { crl, origin } = found;
  const { now } = surroundings;
  const survey = surroundings.surveys.get(found) ?? { reasons: [], listings: [] };
  const { signer, fault, refusals, isStaleDelta } = judgeCrl(found, surroundings);
  const signerOrigin = signer && (surroundings.relations.originOf(signer) ?? String(signer.subject));
  const listed = wanted.map((one) => ({ one, listing: survey.listings.find((each) => each.wanted === one) }));
  const date = (at: Date): string => describeDate(at, now.getTime());
  return {
    origin,
    title: crl.deltaBase === undefined ? 'CRL' : 'delta CRL',
    rows: [
      ['Issued by', shorten(crl.issuer.describe())],
      ...(crl.number === undefined ? [] : [['Number', String(crl.number)] as const]),
      ...(crl.deltaBase === undefined ? [] : [['Delta', `changes since number ${crl.deltaBase}`] as const]),
      ['Issued', date(crl.thisUpdate)],
      ['Next due', crl.nextUpdate === undefined ? '(not stated)' : date(crl.nextUpdate)],
      ['Revokes', count(crl.entryCount, 'certificate'), ...describeReasons(survey)],
      ...rowsOf('Covers', describeScope(crl.issuingDistributionPoint)),
      ...rowsOf(
        'Deltas at',
        crl.freshestCrl.flatMap(({ name }) => describePoint(name)),
      ),
      ['Signature', describeSignature(crl.signed.algorithm), describeSigner(signerOrigin, fault)],
      ...rowsOf(
        'Asked',
        listed.flatMap(({ one, listing }) => describeListing(one, listing, now)),
      ),
    ],
    notes: [...(isStaleDelta ? [staleDelta] : []), ...notesOn(crl)],
    verdict: {
      as: 'a CRL',
      refusals,
      praise: `Would be accepted as a CRL${signer ? '' : ' if its CA has signed it'}.`,
    },
    data: {
      type: 'crl',
      version: crl.version,
      issuer: String(crl.issuer),
      number: crl.number ?? null,
      deltaBase: crl.deltaBase ?? null,
      thisUpdate: crl.thisUpdate,
      nextUpdate: crl.nextUpdate ?? null,
      entries: crl.entryCount,
      reasons: Object.fromEntries(survey.reasons),
      covers: describeScope(crl.issuingDistributionPoint),
      deltasAt: crl.freshestCrl.flatMap(({ name }) => describePoint(name)),
      signatureAlgorithm: describeSignature(crl.signed.algorithm),
      signedBy: signerOrigin ?? null,
      unknownCriticalExtensions: crl.unknownCriticalExtensions,
      asked: listed.map(({ one, listing }) => ({
        of: one.label,
        listed: listing !== undefined && listing.reason !== 'removeFromCRL',
        ...(listing && { since: listing.revocationDate, reason: listing.reason }),
      })),
    },
  };
}

/** Whether a CRL lists one of the certificates in question. */
export function listsAny({ listings }: CrlSurvey, wanted: readonly Wanted[]): boolean {
  return listings.some((each) => wanted.includes(each.wanted) && each.reason !== 'removeFromCRL');
}

function describeSigner(origin: string | undefined, fault: Fault | undefined): string {
  if (origin !== undefined) return `made by ${origin}`;
  return fault === undefined ? 'not verified: specify its CA with --ca FILE' : 'invalid, see below';
}

function describeReasons({ reasons }: CrlSurvey): string[] {
  return reasons
    .filter(([reason]) => reason !== 'unspecified' || reasons.length > 1)
    .map(([reason, number]) => {
      const name = reason === 'unspecified' ? 'without a reason' : reason;
      return `  ${number.toLocaleString('en')} ${name}`;
    });
}

function describeListing({ label }: Wanted, listing: Listing | undefined, now: Date): string[] {
  if (listing === undefined) return [`${label} is not listed`];
  const { reason, revocationDate } = listing;
  const what = reason === 'removeFromCRL' ? 'was removed from the CRL' : 'is listed';
  return [
    `${label} ${what}`,
    `  since ${describeDate(revocationDate, now.getTime())}, ${reasonPhrase(reason)}`,
  ];
}

function describeScope(scope: IssuingDistributionPoint | undefined): string[] {
  if (scope === undefined) return [];
  const kinds = {
    all: 'certificates of its distribution point',
    userCertificates: 'certificates of end entities',
    caCertificates: 'certificates of CAs',
    attributeCertificates: 'attribute certificates, which clients do not use',
    nothing: 'nothing: its restrictions exclude each other',
  } as const;
  return [
    kinds[scope.onlyContains],
    ...describePoint(scope.name),
    ...(scope.onlySomeReasons === undefined ? [] : ['some reasons only']),
    ...(scope.indirect ? ['certificates of other CAs too (indirect)'] : []),
  ];
}

function describePoint(name: DistributionPointName | undefined): string[] {
  if (name === undefined) return [];
  if (name.kind === 'relative') return ['a point relative to its issuer'];
  return name.names.map((each) => `point ${describeGeneralName(each)}`);
}

const staleDelta =
  'it has expired: its entries stay revoked, it lifts no hold, and its base decides about all others';

function notesOn({ number, nextUpdate }: Crl): string[] {
  return [
    ...(number === undefined
      ? [
          'it has no number, so only its date distinguishes an older CRL from a newer one (RFC 5280 section 5.2.3)',
        ]
      : []),
    ...(nextUpdate === undefined ? ['it has no nextUpdate, so an old copy of it never becomes stale'] : []),
  ];
}
