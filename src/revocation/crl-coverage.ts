/**
 * Whether one CRL covers everything that another one covers, so that it can replace it: compares the scopes of RFC
 * 5280 section 5.2.5.
 *
 * @module
 */
import { type Certificate } from '../x509/certificate.js';
import { type CrlHead } from '../x509/crl-head.js';
import { type CrlIndexData } from './crl-index.js';
import { allReasons, namesOf } from './crl-scope.js';

/** The scope of a CRL as plain data, which threads exchange. */
export interface Coverage {
  /** The canonical name of the issuer. */
  readonly issuer: string;
  /** The public key that verified the signature, in base64. */
  readonly key: string;
  readonly isDelta: boolean;
  /** The canonical names of its distribution point; `undefined` if it is for every distribution point. */
  readonly points: ReadonlySet<string> | undefined;
  /** One bit per pair of certificate kind and reason. */
  readonly subjects: number;
  /** Whether it covers certificates of other issuers, and whether it lists any. */
  readonly others: 'none' | 'unlisted' | 'listed';
}

// ReasonFlags has no bit for the reason `unspecified`; bit 0 is unused and represents it here. A CRL for some
// reasons, even for all eight, can omit certificates that were revoked without a reason.
const everyReason = allReasons | 1;
const shiftForCas = 9;

/** The scope of a CRL. */
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

/** Whether several CRLs together cover every kind of certificate and every reason that one CRL covers. */
export function areSubjectsCovered({ subjects }: Coverage, by: readonly Coverage[]): boolean {
  return (subjects & ~by.reduce((sum, each) => sum | each.subjects, 0)) === 0;
}

/** Finds the full CRLs whose scope includes that of another one, without comparing it with each. */
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
   * The full CRLs of the same issuer that are consulted whenever a CRL with this coverage is. Their kinds of
   * certificate, reasons and signing keys are left for the caller to compare.
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
 * Whether every distribution point of one CRL is also one of another. A direct CRL is not consulted about
 * certificates of other issuers, nor where a distribution point names the issuer of the CRL: only a CRL for every
 * distribution point is then still consulted, by the name of the issuer.
 */
function isPlaceWithin(narrow: Coverage, wide: Coverage): boolean {
  if (wide.others === 'none' && narrow.others === 'listed') return false;
  if (wide.points === undefined) return true;
  if (wide.others === 'none' && narrow.others !== 'none') return false;
  const { points } = wide;
  return narrow.points !== undefined && [...narrow.points].every((point) => points.has(point));
}
