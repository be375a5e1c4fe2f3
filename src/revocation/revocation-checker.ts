/**
 * What the CRLs in force say about a certificate: RFC 5280 section 6.3. Pure: it never reads the clock, and never
 * treats `unknown` as `good`.
 *
 * @module
 */
import { type CompleteRevocationPolicy } from './revocation-policy.js';
import { type Certificate } from '../x509/certificate.js';
import { type CertificateChain, type CertificateStore } from '../x509/certificate-store.js';
import { type DistributionPoint } from '../x509/distribution-point.js';
import { type CertificateStatus, isOutdated } from './certificate-status.js';
import { type Confirmations } from './confirmations.js';
import { type RevokedEntry } from './crl-index.js';
import { allReasons, distributionPointsOf, reasonsCovered } from './crl-scope.js';
import { isOlder } from './crl-age.js';
import { type Question, type Voice, voiceOf } from './crl-voice.js';
import { freshUntil, type VerifiedCrl } from './verified-crl.js';

/** Checks certification paths against a set of CRLs and a policy. Immutable. */
export class RevocationChecker {
  readonly crls: readonly VerifiedCrl[];
  readonly policy: CompleteRevocationPolicy;
  /** The CAs that issued the certificates and CRLs. */
  readonly store: CertificateStore;
  readonly #confirmations: Confirmations | undefined;

  /** @param confirmations - When sources last confirmed the CRLs; without it, that does not matter. */
  constructor(
    crls: readonly VerifiedCrl[],
    store: CertificateStore,
    policy: CompleteRevocationPolicy,
    confirmations?: Confirmations,
  ) {
    this.#confirmations = confirmations;
    this.crls = Object.freeze([...crls]);
    this.policy = policy;
    this.store = store;
  }

  /** When the source of a CRL last confirmed it, in milliseconds since 1970; `undefined` if it does not. */
  confirmedAt({ digest }: VerifiedCrl): number | undefined {
    return this.#confirmations?.of(digest);
  }

  /** Until when a CRL can vouch, in milliseconds since 1970. */
  freshUntil(verified: VerifiedCrl, policy: CompleteRevocationPolicy = this.policy): number {
    return freshUntil(verified.crl, policy, this.confirmedAt(verified));
  }

  /** The CAs without a full CRL. Every certificate that they issued is `unknown`. */
  uncoveredCas(at: Date): Certificate[] {
    const full = this.crls.filter(({ crl }) => crl.deltaBase === undefined);
    return this.store.certificates.filter((ca) => !full.some((verified) => this.#speaksOf(ca, verified, at)));
  }

  /** Whether a CRL can cover the certificates of a CA: its own CRL, or an indirect one. */
  #speaksOf(ca: Certificate, verified: VerifiedCrl, at: Date): boolean {
    const { issuer, issuingDistributionPoint } = verified.crl;
    if (issuingDistributionPoint?.indirect === true) return true;
    if (!issuer.equals(ca.subject)) return false;
    const issuers = this.store.chainOf(ca, [], at) ?? [ca];
    return this.#voiceOf(verified, { issuers, at, asking: [] }) !== undefined;
  }

  /** Checks the leaf, and with `scope: 'chain'` every certificate below the root. The first that fails decides. */
  checkChain(chain: CertificateChain, at: Date): CertificateStatus {
    let until = Infinity;
    const crls: VerifiedCrl[] = [];
    const uncovered: Certificate[] = [];
    const judged = this.policy.scope === 'leaf' ? chain.slice(0, 1) : chain.slice(0, -1);
    for (const [depth, certificate] of judged.entries()) {
      const status = this.#check(certificate, { issuers: chain.slice(depth + 1), at, asking: [] });
      if (status.status === 'good') {
        until = Math.min(until, status.until);
        crls.push(...status.crls);
        continue;
      }
      const admits =
        status.status === 'unknown' && !isOutdated(status.cause) && this.policy.unknown === 'allow';
      if (!admits) return status;
      uncovered.push(certificate);
    }
    return { status: 'good', until, crls, uncovered };
  }

  #check(certificate: Certificate, { issuers, at, asking }: Question): CertificateStatus {
    const progress = new Progress(certificate, at, this);
    const question = { issuers, at, asking: [...asking, certificate] };
    const voices = new Map<VerifiedCrl, Voice | undefined>();
    const deltas = new Map<VerifiedCrl, VerifiedCrl[]>();
    const points = distributionPointsOf(certificate);
    const named = this.#namedBy(certificate, points);
    for (const point of points) {
      for (const verified of named) {
        const isDelta = verified.crl.deltaBase !== undefined;
        // A delta with a full CRL is consulted together with it.
        if (isDelta && this.#fullOf(verified) !== undefined) continue;
        const reasons = reasonsCovered(verified.crl, certificate, point);
        if (reasons === 0) continue;
        if (!voices.has(verified)) voices.set(verified, this.#voiceOf(verified, question));
        const voice = voices.get(verified);
        if (voice === undefined) continue;
        if (!deltas.has(verified)) deltas.set(verified, this.#deltasOf(verified));
        const revoked = isDelta
          ? progress.convict(verified)
          : progress.consult(verified, deltas.get(verified) ?? [], { reasons, voice });
        if (revoked !== undefined) return revoked;
      }
    }
    if (progress.complete) return progress.good();
    return progress.unknown(named.some(({ crl }) => crl.deltaBase === undefined));
  }

  /**
   * The CRLs of the issuer, or of an issuer that a distribution point names. A certificate can have thousands of
   * points.
   */
  #namedBy(certificate: Certificate, points: readonly DistributionPoint[]): VerifiedCrl[] {
    const issuers = [certificate.issuer, ...points.flatMap(({ crlIssuer }) => crlIssuer ?? [])];
    const names = new Set(issuers.map(({ canonical }) => canonical));
    return this.crls.filter(({ crl }) => names.has(crl.issuer.canonical));
  }

  #voiceOf(verified: VerifiedCrl, question: Question): Voice | undefined {
    const { crls } = this;
    const check = (ca: Certificate, about: Question): CertificateStatus => this.#check(ca, about);
    return voiceOf(verified, question, { store: this.store, crls, scope: this.policy.scope, check });
  }

  /** A full CRL with the scope of a delta. */
  #fullOf(delta: VerifiedCrl): VerifiedCrl | undefined {
    return this.crls.find((full) => full.crl.deltaBase === undefined && isSameScope(full, delta));
  }

  /** The deltas newer than a full CRL, newest first. */
  #deltasOf(full: VerifiedCrl): VerifiedCrl[] {
    const newer = this.crls.filter(
      (one) => one.crl.deltaBase !== undefined && isSameScope(full, one) && isOlder(full.crl, one.crl),
    );
    return newer.sort(
      (left, right) => Number(isOlder(left.crl, right.crl)) - Number(isOlder(right.crl, left.crl)),
    );
  }
}

function isSameScope(full: VerifiedCrl, delta: VerifiedCrl): boolean {
  const [ours, theirs] = [full.crl, delta.crl].map(({ issuingDistributionPoint: scope }) => scope?.der);
  const sameScope = ours === undefined || theirs === undefined ? ours === theirs : ours.equals(theirs);
  return (
    sameScope &&
    delta.crl.issuer.equals(full.crl.issuer) &&
    delta.signer.publicKey.equals(full.signer.publicKey)
  );
}

/** What is known about one certificate so far: reasons_mask and cert_status of RFC 5280. */
class Progress {
  readonly #certificate: Certificate;
  readonly #at: Date;
  readonly #checker: RevocationChecker;
  readonly #crls: VerifiedCrl[] = [];
  #reasons = 0;
  #until = Infinity;
  #sawExpired = false;
  #sawUnconfirmed = false;

  constructor(certificate: Certificate, at: Date, checker: RevocationChecker) {
    this.#certificate = certificate;
    this.#at = at;
    this.#checker = checker;
  }

  get complete(): boolean {
    return this.#reasons === allReasons;
  }

  /**
   * Consults one CRL and its deltas, newest first, and returns a verdict if they revoke. A listed certificate is
   * revoked, whatever the date or reason of its entry: only a current delta can lift a hold. A stale CRL can still
   * revoke but can no longer vouch (RFC 5280 section 5.1.2.5).
   */
  consult(
    full: VerifiedCrl,
    deltas: readonly VerifiedCrl[],
    { reasons, voice }: { readonly reasons: number; readonly voice: Voice },
  ): CertificateStatus | undefined {
    let lifting: VerifiedCrl | undefined;
    for (const delta of deltas) {
      // A delta that lifts a hold overrides older deltas, but not an equally old one.
      if (lifting !== undefined && isOlder(delta.crl, lifting.crl)) break;
      const convict = this.convict(delta);
      if (convict !== undefined) return convict;
      if (this.#isLifted(delta, full)) lifting = delta;
    }
    const convict = lifting === undefined ? this.convict(full) : undefined;
    if (convict !== undefined) return convict;
    const mayAcquit = voice.acquitsUntil > this.#at.getTime();
    if (!this.#isCurrent(full) || !mayAcquit) {
      if (this.#isUnconfirmed(full)) this.#sawUnconfirmed = true;
      else this.#sawExpired ||= !this.#isCurrent(full) || voice.isStale;
      return undefined;
    }
    this.#reasons |= reasons;
    this.#crls.push(full, ...deltas);
    this.#until = Math.min(this.#until, voice.acquitsUntil, this.#checker.freshUntil(full));
    if (lifting !== undefined) this.#until = Math.min(this.#until, this.#checker.freshUntil(lifting));
    return undefined;
  }

  /**
   * Whether a newer delta lifts the hold of a full CRL. RFC 5280 section 6.3.3 step (c) says which two can be
   * combined.
   */
  #isLifted(delta: VerifiedCrl, { crl: { number } }: VerifiedCrl): boolean {
    const { deltaBase = 0n, number: deltaNumber } = delta.crl;
    if (number === undefined || deltaNumber === undefined || deltaBase > number) return false;
    return this.#find(delta)?.reason === 'removeFromCRL' && this.#isCurrent(delta);
  }

  /** The verdict of a single CRL, if it revokes. */
  convict(verified: VerifiedCrl): CertificateStatus | undefined {
    const entry = this.#find(verified);
    // In a delta, removeFromCRL means that the full CRL drops the entry. In a full CRL it is undefined, and revokes.
    if (entry === undefined || (entry.reason === 'removeFromCRL' && verified.crl.deltaBase !== undefined))
      return undefined;
    return { status: 'revoked', certificate: this.#certificate, ...entry, revokedBy: verified };
  }

  // The comparisons are false for an invalid date.
  #isCurrent(verified: VerifiedCrl): boolean {
    return verified.crl.thisUpdate <= this.#at && this.#checker.freshUntil(verified) > this.#at.getTime();
  }

  /** Whether only the age of its last confirmation keeps a CRL from being current. */
  #isUnconfirmed(verified: VerifiedCrl): boolean {
    const { policy } = this.#checker;
    return (
      !this.#isCurrent(verified) &&
      verified.crl.thisUpdate <= this.#at &&
      freshUntil(verified.crl, policy) > this.#at.getTime()
    );
  }

  #find({ crl, index }: VerifiedCrl): RevokedEntry | undefined {
    const { issuer, serial } = this.#certificate;
    return index.find(serial, issuer.equals(crl.issuer) ? undefined : issuer);
  }

  good(): CertificateStatus {
    return { status: 'good', until: this.#until, crls: this.#crls, uncovered: [] };
  }

  unknown(hasCrl: boolean): CertificateStatus {
    const outdated = this.#sawExpired ? 'crl-expired' : this.#sawUnconfirmed ? 'crl-unconfirmed' : undefined;
    const cause = outdated ?? (hasCrl ? 'out-of-scope' : 'no-crl');
    return { status: 'unknown', certificate: this.#certificate, cause };
  }
}
