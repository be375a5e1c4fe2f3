/**
 * What a server of this package would make of a CRL, and which certificates one would speak of.
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

/** Who signed a CRL, and what it would be refused for. */
export interface CrlVerdict {
  /** `undefined`: the signature was not verified, or is not good. */
  readonly signer: Certificate | undefined;
  /** What is wrong with its form or its signature. */
  readonly fault: Fault | undefined;
  readonly refusals: readonly Fault[];
  /** Whether it is a delta that has expired. */
  readonly isStaleDelta: boolean;
}

// Everything in one call has the same surroundings, and a list may have hundreds of megabytes to hash.
const known = new WeakMap<FoundCrl, CrlVerdict>();

/** Judges a CRL. */
export function judgeCrl(found: FoundCrl, surroundings: Surroundings): CrlVerdict {
  const before = known.get(found);
  if (before !== undefined) return before;
  const { crl, origin } = found;
  const { signer, fault } = verify(found, surroundings);
  const [outOfDate] = attempt(() => {
    checkCrlDates({ crl, origin }, checkRevocationPolicy(), surroundings.now);
  });
  // A server takes an expired delta: its base decides.
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
 * The CAs of a chain whose CRL is missing: with the default policy a server asks one about each certificate but the
 * root. A CRL that it would refuse is no answer, and neither is a delta without its base.
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

/** For which reasons the CRLs that were given speak of a certificate. */
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
