/**
 * Whether one CRL speaks of everything that another one speaks of, so that it can
 * take that one's place: the scopes of RFC 5280 section 5.2.5, compared.
 *
 * @module
 */
import { type Certificate } from '../x509/certificate.js';
import { type CrlHead } from '../x509/crl-head.js';
import { type CrlIndexData } from './crl-index.js';
import { allReasons, namesOf } from './crl-scope.js';

/** What a CRL speaks of. Plain data: threads exchange it. */
export interface Coverage {
  /** The issuer's canonical name. */
  readonly issuer: string;
  /** The public key that the signature was verified with, base64. */
  readonly key: string;
  readonly isDelta: boolean;
  /** The canonical names of its distribution point; `undefined`: it is for every distribution point. */
  readonly points: ReadonlySet<string> | undefined;
  /** One bit for each pair of a kind of certificate and a reason. */
  readonly subjects: number;
  /** Whether it speaks of certificates of other issuers, and whether it lists any. */
  readonly others: 'none' | 'unlisted' | 'listed';
}

// ReasonFlags has no bit for the reason `unspecified`, and does not use bit 0: a list for some reasons, even for all
// eight, need not have what was revoked for none of them.
const everyReason = allReasons | 1;
const shiftForCas = 9;

/** Describes what a CRL speaks of. */
export function coverageOf(
  { crl, signer }: { readonly crl: CrlHead; readonly signer: Certificate },
  { issuers }: CrlIndexData,
): Coverage {
  const scope = crl.issuingDistributionPoint;
  const reasons = scope?.onlySomeReasons === undefined ? everyReason : scope.onlySomeReasons & allReasons;
  const kinds = scope?.onlyContains ?? 'all';
  const users = kinds === 'all' || kinds === 'userCertificates' ? reasons : 0;
  const cas = kinds === 'all' || kinds === 'caCertificates' ? reasons : 0;
  const listsOthers = issuers.some(({ issuer }) => issuer !== undefined);
  return {
    issuer: crl.issuer.canonical,
    key: signer.publicKey.toString('base64'),
    isDelta: crl.deltaBase !== undefined,
    points: scope?.name && new Set(namesOf(scope.name, crl.issuer)),
    subjects: users | (cas << shiftForCas),
    others: scope?.indirect !== true ? 'none' : listsOthers ? 'listed' : 'unlisted',
  };
}

/** Whether CRLs together speak of every kind of certificate, and of every reason, that another one speaks of. */
export function areSubjectsCovered({ subjects }: Coverage, by: readonly Coverage[]): boolean {
  return (subjects & ~by.reduce((sum, each) => sum | each.subjects, 0)) === 0;
}

/** Finds the full CRLs that speak of what another one speaks of, without comparing it with each. */
export class WiderCrls<Crl extends { readonly coverage: Coverage }> {
  readonly #byPlace = new Map<string, Crl[]>();

  constructor(crls: readonly Crl[]) {
    for (const crl of crls) {
      const { issuer, points, isDelta } = crl.coverage;
      if (isDelta) continue;
      for (const point of points ?? [undefined]) {
        const place = placeOf(issuer, point);
        const known = this.#byPlace.get(place);
        if (known === undefined) this.#byPlace.set(place, [crl]);
        else known.push(crl);
      }
    }
  }

  /**
   * The full CRLs of the same issuer that are asked whenever one of this coverage is, as far as they have its kinds of
   * certificate and its reasons. Whose key has signed them is for the caller to compare.
   */
  around(narrow: Coverage): Crl[] {
    const { issuer, points } = narrow;
    const [first] = points ?? [];
    const places = first === undefined ? [undefined] : [undefined, first];
    const candidates = places.flatMap((point) => this.#byPlace.get(placeOf(issuer, point)) ?? []);
    return candidates.filter(({ coverage }) => isPlaceWithin(narrow, coverage));
  }
}

function placeOf(issuer: string, point: string | undefined): string {
  return point === undefined ? issuer : `${issuer}\n${point}`;
}

/**
 * Whether every distribution point that one CRL is for is one of another's. A direct CRL is not asked about
 * certificates of other issuers, nor where a certificate names the CRL's issuer beside the point: only one for every
 * point is then asked all the same, by the issuer's name.
 */
function isPlaceWithin(narrow: Coverage, wide: Coverage): boolean {
  if (wide.others === 'none' && narrow.others === 'listed') return false;
  if (wide.points === undefined) return true;
  if (wide.others === 'none' && narrow.others !== 'none') return false;
  const { points } = wide;
  return narrow.points !== undefined && [...narrow.points].every((point) => points.has(point));
}
