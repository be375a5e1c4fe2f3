/**
 * The state of the CRLs in force, for people, probes and alarms.
 *
 * @module
 */
import { type Materials } from '../material/material.js';
import { type RevocationChecker } from '../revocation/revocation-checker.js';
import { describeCrls } from '../revocation/revocation-state.js';
import { type VerifiedCrl } from '../revocation/verified-crl.js';
import { type RevocationState } from './mtls.js';

/** Every checker in force, once. */
export function revocationsOf(materials: Materials | undefined): RevocationChecker[] {
  if (materials === undefined) return [];
  const all = [materials.main, ...materials.named.values()].flatMap(({ trust, proxies }) => [
    trust.revocation,
    proxies?.trust?.revocation,
  ]);
  return [...new Set(all)].filter((one) => one !== undefined);
}

/** The CRLs in force, the CAs without a CRL, and whether no CRL is stale. */
export function describeRevocation(materials: Materials | undefined, now: number): RevocationState {
  const revocations = revocationsOf(materials);
  return Object.freeze({
    crls: Object.freeze(revocations.flatMap((one) => describeCrls(one.crls, (crl) => one.confirmedAt(crl)))),
    uncovered: Object.freeze(
      revocations.flatMap((each) =>
        each.uncoveredCas(new Date(now)).map(({ subject }) => subject.toString()),
      ),
    ),
    healthy: revocations.every((one) => one.crls.every((crl) => isFresh(crl, one, now))),
  });
}

/** Whether at least one full CRL is fresh, or there is none. */
export function isReady(materials: Materials, now: number): boolean {
  const full = revocationsOf(materials).flatMap((one) =>
    one.crls.filter(({ crl }) => crl.deltaBase === undefined).map((crl) => isFresh(crl, one, now)),
  );
  return full.length === 0 || full.includes(true);
}

/** Whether a CRL is before its nextUpdate, or within the grace period of the policy. */
function isFresh(crl: VerifiedCrl, checker: RevocationChecker, now: number): boolean {
  return checker.freshUntil(crl, { ...checker.policy, stale: 'deny' }) > now;
}
