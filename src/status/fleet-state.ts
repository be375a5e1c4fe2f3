/**
 * Which processes of a fleet lack the newest CRLs.
 *
 * @module
 */
import { type StatusFleet, type StatusProcess, type StatusProcessCrl } from './status-report.js';

/** The processes that have an older CRL of an issuer in force than another process. */
export function processesBehind({ list }: StatusFleet): StatusProcess[] {
  const newest = newestByIssuer(list.flatMap(({ crls }) => crls));
  return list.filter(({ crls }) => {
    const own = newestByIssuer(crls);
    return [...newest].some(([issuer, crl]) => {
      const mine = own.get(issuer);
      return mine === undefined || isNewer(crl, mine);
    });
  });
}

/** A delta CRL counts like the full CRL with its number. */
function newestByIssuer(crls: readonly StatusProcessCrl[]): Map<string, StatusProcessCrl> {
  const newest = new Map<string, StatusProcessCrl>();
  for (const crl of crls) {
    const known = newest.get(crl.issuer);
    if (known === undefined || isNewer(crl, known)) newest.set(crl.issuer, crl);
  }
  return newest;
}

function isNewer(one: StatusProcessCrl, other: StatusProcessCrl): boolean {
  if (one.number === null || other.number === null) return one.thisUpdate > other.thisUpdate;
  return BigInt(one.number) > BigInt(other.number);
}
