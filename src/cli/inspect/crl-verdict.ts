/**
 * Whether a server of this package would accept a CRL, and which certificates it covers.
 *
 * @module
 */
import { MtlsError, sentenceOf } from '../../errors.js';
import { allReasons, distributionPointsOf, reasonsCovered } from '../../revocation/crl-scope.js';
import { checkRevocationPolicy } from '../../revocation/revocation-policy.js';
import { checkCrlDates } from '../../revocation/verified-crl.js';
import { checkCrlForm, verifyCrl } from '../../revocation/verify-crl.js';
import { type CertificateChain } from '../../x509/certificate-store.js';
import { type Certificate } from '../../x509/certificate.js';
import { shorten } from '../../x509/string.js';
import { type Fault } from './report.js';
import { type FoundCrl, type Surroundings } from './surroundings.js';

/** The signer of a CRL, and the reason to refuse it. */
export interface CrlVerdict {
  /** `undefined` if the signature was not verified or is invalid. */
  readonly signer: Certificate | undefined;
  /** The fault of its form or signature. */
  readonly fault: Fault | undefined;
  readonly refusals: readonly Fault[];
  /** Whether it is an expired delta. */
  readonly isStaleDelta: boolean;
}

// Everything in one call has the same surroundings, and hashing a CRL can mean hundreds of megabytes.
const known = new WeakMap<FoundCrl, CrlVerdict>();

/** Checks a CRL. */
export function judgeCrl(found: FoundCrl, surroundings: Surroundings): CrlVerdict {
  const before = known.get(found);
  if (before !== undefined) return before;
  const { crl, origin } = found;
  const { signer, fault } = verify(found, surroundings);
  const [outOfDate] = attempt(() => {
    checkCrlDates({ crl, origin }, checkRevocationPolicy(), surroundings.now);
  });
  // A server accepts an expired delta: its base decides.
  const isStaleDelta = crl.deltaBase !== undefined && outOfDate?.reason === 'ERR_MTLS_CRL_EXPIRED';
  const refusals = [fault, isStaleDelta ? undefined : outOfDate].filter((each) => each !== undefined);
  const verdict = { signer, fault, refusals, isStaleDelta };
  known.set(found, verdict);
  return verdict;
}

function verify(
  { crl, origin }: FoundCrl,
  { relations }: Surroundings,
): Pick<CrlVerdict, 'signer' | 'fault'> {
  const store = relations.trusted ?? relations.all;
  const canVerify = relations.trusted !== undefined || store.named(crl.issuer.canonical).length > 0;
  let signer: Certificate | undefined;
  const [fault] = attempt(() => {
    if (canVerify) signer = verifyCrl(crl, { store, weakSignature: 'deny', origin });
    else checkCrlForm(crl, { weakSignature: 'deny', origin });
  });
  return { signer, fault };
}

function attempt(check: () => void): Fault[] {
  try {
    check();
    return [];
  } catch (error) {
    if (!(error instanceof MtlsError)) throw error;
    return [{ reason: error.code, detail: shorten(sentenceOf(error), 600) }];
  }
}

/**
 * The CAs of a path whose CRL is missing. With the default policy, a server requires one for each certificate except
 * the root. A CRL that it would reject does not count, and neither does a delta without its base.
 */
export function casWithoutCrl(
  certificate: Certificate,
  chain: CertificateChain | undefined | 'not-asked',
  surroundings: Surroundings,
): string[] {
  const links =
    chain === undefined || chain === 'not-asked' || chain.length === 1 ? [certificate] : chain.slice(0, -1);
  const missing = links.filter((link) => coverageOf(link, surroundings) !== allReasons);
  return [...new Set(missing.map(({ issuer }) => String(issuer)))];
}

/** The reasons for which the given CRLs cover a certificate. */
function coverageOf(certificate: Certificate, surroundings: Surroundings): number {
  const points = distributionPointsOf(certificate);
  let covered = 0;
  for (const found of surroundings.surveys.keys()) {
    const { crl } = found;
    if (crl.deltaBase !== undefined) continue;
    const reasons = points.reduce((sum, point) => sum | reasonsCovered(crl, certificate, point), 0);
    if (reasons !== 0 && judgeCrl(found, surroundings).refusals.length === 0) covered |= reasons;
  }
  return covered;
}
