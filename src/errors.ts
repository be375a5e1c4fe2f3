/**
 * Everything that can go wrong, as one class with a stable code.
 *
 * @module
 */

/**
 * The codes of {@link MtlsError}, each with the HTTP status an error handler answers.
 * Those with 500 are thrown when the server starts or reloads, never for a caller's fault.
 */
const statusByCode = {
  ERR_MTLS_CERTIFICATE_REQUIRED: 401,
  ERR_MTLS_CERTIFICATE_UNTRUSTED: 401,
  ERR_MTLS_CERTIFICATE_EXPIRED: 401,
  ERR_MTLS_CERTIFICATE_REVOKED: 401,
  ERR_MTLS_CERTIFICATE_INVALID: 401,
  ERR_MTLS_REVOCATION_UNKNOWN: 503,
  ERR_MTLS_CLIENT_FORBIDDEN: 403,
  ERR_MTLS_REQUEST_MISDIRECTED: 421,
  ERR_MTLS_OPTION_INVALID: 500,
  ERR_MTLS_PEM_INVALID: 500,
  ERR_MTLS_KEY_MISMATCH: 500,
  ERR_MTLS_CRL_INVALID: 500,
  ERR_MTLS_CRL_SIGNATURE_INVALID: 500,
  ERR_MTLS_CRL_ISSUER_UNKNOWN: 500,
  ERR_MTLS_CRL_EXPIRED: 500,
  ERR_MTLS_CRL_ROLLBACK: 500,
  ERR_MTLS_CRL_UNSUPPORTED: 500,
} as const;

/** What went wrong, in a form for programs: `error.code === 'ERR_MTLS_CERTIFICATE_REVOKED'`. */
export type ErrorCode = keyof typeof statusByCode;

/** Every {@link ErrorCode} under its own name, so that a misspelt code does not compile. */
export const ErrorCode: { readonly [Code in ErrorCode]: Code } = Object.freeze(
  Object.fromEntries(Object.keys(statusByCode).map((code) => [code, code])),
) as { readonly [Code in ErrorCode]: Code };

/** What this package throws, rejects with, and passes to `next()`. */
export class MtlsError extends Error {
  override readonly name: string = 'MtlsError';
  /** What went wrong; stable between releases, unlike the message. */
  readonly code: ErrorCode;
  /** The HTTP status of an answer to this error: 401, 403, 421, 503, or 500 for a fault of the server's own. */
  readonly status: number;

  /**
   * @param code - What went wrong.
   * @param message - What was seen, what was expected, and the remedy.
   * @param options - The error behind this one, as `cause`.
   */
  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.status = statusByCode[code];
  }

  /** The same as {@link MtlsError.status}, under the name that http-errors and some frameworks read. */
  get statusCode(): number {
    return this.status;
  }
}

/** One error for several faults, so that nobody mends one to meet the next. Its code is the first one's. */
export function combineFaults(faults: readonly [MtlsError, ...MtlsError[]]): MtlsError {
  const [first] = faults;
  if (faults.length === 1) return first;
  const messages = faults.map(({ message }) => message).join('\n');
  return new MtlsError(first.code, messages, { cause: new AggregateError(faults) });
}
