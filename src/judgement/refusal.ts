/**
 * A refusal: the reason, its code, and the detail for the operator.
 *
 * @module
 */
import { type ErrorCode, MtlsError, sentenceOf } from '../errors.js';
import { type DistinguishedName } from '../x509/distinguished-name.js';
import { shorten } from '../x509/string.js';

/** Why a client is refused, as an identifier. */
export type RefusalReason =
  | 'no-certificate'
  | 'untrusted'
  | 'not-permitted'
  | 'expired'
  | 'not-yet-valid'
  | 'revoked'
  | 'revocation-unknown'
  | 'wrong-purpose'
  | 'is-a-ca'
  | 'weak-key'
  | 'weak-signature'
  | 'unsupported-extension'
  | 'identity-invalid'
  | 'not-a-proxy'
  | 'header-invalid'
  | 'overloaded';

const codes: Readonly<Record<RefusalReason, ErrorCode>> = {
  'no-certificate': 'ERR_MTLS_CERTIFICATE_REQUIRED',
  untrusted: 'ERR_MTLS_CERTIFICATE_UNTRUSTED',
  'not-permitted': 'ERR_MTLS_CERTIFICATE_UNTRUSTED',
  expired: 'ERR_MTLS_CERTIFICATE_EXPIRED',
  'not-yet-valid': 'ERR_MTLS_CERTIFICATE_INVALID',
  revoked: 'ERR_MTLS_CERTIFICATE_REVOKED',
  'revocation-unknown': 'ERR_MTLS_REVOCATION_UNKNOWN',
  'wrong-purpose': 'ERR_MTLS_CERTIFICATE_INVALID',
  'is-a-ca': 'ERR_MTLS_CERTIFICATE_INVALID',
  'weak-key': 'ERR_MTLS_CERTIFICATE_INVALID',
  'weak-signature': 'ERR_MTLS_CERTIFICATE_INVALID',
  'unsupported-extension': 'ERR_MTLS_CERTIFICATE_INVALID',
  'identity-invalid': 'ERR_MTLS_CERTIFICATE_INVALID',
  'not-a-proxy': 'ERR_MTLS_PROXY_UNTRUSTED',
  'header-invalid': 'ERR_MTLS_HEADER_INVALID',
  overloaded: 'ERR_MTLS_OVERLOADED',
};

/** All refusal reasons. */
export const refusalReasons: readonly RefusalReason[] = Object.freeze(Object.keys(codes) as RefusalReason[]);

/** Why a client is refused, for the operator. It must not be sent to the client. */
export interface Refusal {
  /** The reason, as an identifier. */
  readonly reason: RefusalReason;
  /** The error code of the reason. */
  readonly code: ErrorCode;
  /** What was seen, in one sentence. */
  readonly detail: string;
  /** How to fix it; `undefined` if only a new certificate helps or the reason is self-explanatory. */
  readonly remedy: string | undefined;
  /** For a revoked certificate, the CRL and the entry. */
  readonly revocation: RevocationDetail | undefined;
}

/** The CRL that lists the certificate, and its CRL entry. */
export interface RevocationDetail {
  /** The issuer of the CRL in the notation of RFC 4514, at most 200 characters. */
  readonly crlIssuer: string;
  /** The CRL number in decimal; `undefined` if the CRL has none. */
  readonly crlNumber: string | undefined;
  /** The reason code, by its name in RFC 5280 section 5.3.1; `'unspecified'` if the entry has none. */
  readonly reason: string;
  /** The revocation date in the CRL entry. */
  readonly date: Date;
}

/**
 * Creates a refusal.
 * @param detail - What was seen.
 */
export function refuse(
  reason: RefusalReason,
  detail: string,
  {
    remedy,
    revocation,
  }: { readonly remedy?: string | undefined; readonly revocation?: RevocationDetail } = {},
): Refusal {
  return Object.freeze({ reason, code: codes[reason], detail, remedy, revocation });
}

/** Joins what was seen and the remedy into one sentence. */
export function describeRefusal({ detail, remedy }: Pick<Refusal, 'detail' | 'remedy'>): string {
  return sentenceOf({ seen: detail, remedy });
}

const endings = Object.fromEntries(
  refusalReasons.map((reason) => [reason, refuse(reason, 'its connection was closed; the log says why')]),
) as Readonly<Record<RefusalReason, Refusal>>;

/**
 * Replaces a refusal after it was reported and its connection was closed, with one shared object for each reason. If
 * thousands of connections are closed at once, separate objects would keep the garbage collector, and thus the event
 * loop, busy.
 */
export function endedFor({ reason }: Refusal): Refusal {
  return endings[reason];
}

const ofRequests: ReadonlySet<RefusalReason> = new Set(['not-a-proxy', 'header-invalid', 'overloaded']);

/** The refusal as an error for `next()`. Its message may reach the client, so it contains only the reason. */
export function refusalError({ reason, code }: Refusal): MtlsError {
  const what = ofRequests.has(reason) ? 'request' : 'client certificate';
  return new MtlsError(code, { seen: `the ${what} is refused: ${reason}` });
}

/** A name in the notation of RFC 4514, shortened: for the fields of a log line. */
export function abbreviate(name: DistinguishedName): string {
  return shorten(name.toString());
}

/** A name for people, shortened: for messages. */
export function describeName(name: DistinguishedName): string {
  return shorten(name.describe());
}
