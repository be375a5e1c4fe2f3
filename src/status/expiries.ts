/**
 * Everything that expires, the first to expire first.
 *
 * @module
 */
import { abbreviate } from '../judgement/refusal.js';
import { type AuthorityState } from '../server/authority-state.js';
import { type Mtls } from '../server/mtls.js';
import { millisecondsIn } from '../time-span.js';
import { shorten } from '../x509/string.js';
import { type StatusExpiry } from './status-overview.js';

// A short-lived certificate is renewed within its last third, so that a fixed number of days would always warn.
/** The part of a life that is left when something expires soon. */
export const soonPart = 0.2;
const soonMs = 30 * millisecondsIn.day;

type Span = Pick<AuthorityState, 'notBefore' | 'notAfter'>;

/**
 * Lists what expires. A CA that is listed under several names is listed once.
 * @param nameSource - Writes the file or option of a CRL.
 */
export function listExpiries(
  {
    certificates,
    authorities,
    proxies,
    revocation,
  }: Pick<Mtls, 'certificates' | 'authorities' | 'proxies' | 'revocation'>,
  now: number,
  nameSource: (source: string) => string,
): StatusExpiry[] {
  const entry = (kind: StatusExpiry['kind'], name: string | null, span: Span): StatusExpiry => ({
    kind,
    name: name === null ? null : shorten(name, 200),
    source: null,
    expiresAt: span.notAfter.toISOString(),
    state: stateOf(span, now),
  });
  const all = [
    ...certificates.map((one) => entry('server-certificate', one.servername ?? null, one)),
    ...onceEach(authorities).map((one) => entry('ca', abbreviate(one.subject), one)),
    ...onceEach(proxies?.authorities ?? []).map((one) => entry('proxy-ca', abbreviate(one.subject), one)),
    ...revocation.crls.flatMap(({ issuer, number, deltaBase, source, thisUpdate, nextUpdate }) => {
      if (nextUpdate === undefined) return [];
      const span = { notBefore: thisUpdate, notAfter: nextUpdate };
      const kind = deltaBase === undefined ? '' : 'delta ';
      const which = number === undefined ? kind.trim() : `${kind}number ${number}`;
      const where = [nameSource(source), which].filter((part) => part !== '').join(', ');
      return [{ ...entry('crl', abbreviate(issuer), span), source: where }];
    }),
  ];
  return all.sort((one, other) =>
    one.expiresAt < other.expiresAt ? -1 : one.expiresAt > other.expiresAt ? 1 : 0,
  );
}

/** Whether something has expired, or will soon. */
export function stateOf({ notBefore, notAfter }: Span, now: number): StatusExpiry['state'] {
  const left = notAfter.getTime() - now;
  if (left <= 0) return 'expired';
  const life = notAfter.getTime() - notBefore.getTime();
  return left <= Math.min(soonMs, soonPart * life) ? 'soon' : 'current';
}

function onceEach(authorities: readonly AuthorityState[]): AuthorityState[] {
  const keyOf = ({ subject, serialNumber, notAfter }: AuthorityState): string =>
    `${serialNumber} ${notAfter.getTime()} ${subject.toString()}`;
  return [...new Map(authorities.map((authority) => [keyOf(authority), authority])).values()];
}
