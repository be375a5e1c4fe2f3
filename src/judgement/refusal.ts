/**
 * Why a client is refused: the reason, its code, and the sentence for the operator.
 *
 * @module
 */
import { type ErrorCode, MtlsError, sentenceOf } from '../errors.js';
import { type DistinguishedName } from '../x509/distinguished-name.js';
import { shorten } from '../x509/string.js';

/** Why a client is refused, in one word. */
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

/** Every reason. */
export const refusalReasons: readonly RefusalReason[] = Object.freeze(Object.keys(codes) as RefusalReason[]);

/** Why a client is refused, for the operator. Nothing of it is for the client. */
export interface Refusal {
  /** Why, in one word. */
  readonly reason: RefusalReason;
  /** The code that {@link Refusal.reason} belongs to. */
  readonly code: ErrorCode;
  /** What was seen, in one sentence. */
  readonly detail: string;
  /** What to do; `undefined` where nothing but a new certificate helps, or the reason says it. */
  readonly remedy: string | undefined;
  /** Of a revoked certificate: where it stands and since when. */
  readonly revocation: RevocationDetail | undefined;
}

/** Which CRL convicts, and of what. */
export interface RevocationDetail {
  /** Whose CRL it is, as RFC 4514 writes names; cut at 200 characters. */
  readonly crlIssuer: string;
  /** Its number in decimal; `undefined` where it has none. */
  readonly crlNumber: string | undefined;
  /** Why the certificate was revoked, by the name of RFC 5280 section 5.3.1; `'unspecified'` where the CRL does not say. */
  readonly reason: string;
  /** Since when, as the CRL says. */
  readonly date: Date;
}

/**
 * Makes a refusal.
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

/** What was seen and the remedy, in one sentence. */
export function describeRefusal({ detail, remedy }: Pick<Refusal, 'detail' | 'remedy'>): string {
  return sentenceOf({ seen: detail, remedy });
}

const endings = Object.fromEntries(
  refusalReasons.map((reason) => [reason, refuse(reason, 'its connection was closed; the log says why')]),
) as Readonly<Record<RefusalReason, Refusal>>;

/**
 * What stands for a refusal once it was told and its connection is ended: one for each reason. Where thousands are
 * ended at once, what each of them still holds is moved by the garbage collector, and holds the event loop.
 */
export function endedFor({ reason }: Refusal): Refusal {
  return endings[reason];
}

const ofRequests: ReadonlySet<RefusalReason> = new Set(['not-a-proxy', 'header-invalid', 'overloaded']);

/** The refusal as an error for `next()`: its message is for the client too, and says no more than the code. */
export function refusalError({ reason, code }: Refusal): MtlsError {
  const what = ofRequests.has(reason) ? 'request' : 'client certificate';
  return new MtlsError(code, { seen: `the ${what} is refused: ${reason}` });
}

/** A name as RFC 4514 writes it, cut to what a log line can bear: for fields. */
export function abbreviate(name: DistinguishedName): string {
  return shorten(name.toString());
}

/** A name for people, cut to what a log line can bear: for sentences. */
export function describeName(name: DistinguishedName): string {
  return shorten(name.describe());
}
