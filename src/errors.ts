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
  /** The caller showed no certificate, and needs one. */
  ERR_MTLS_CERTIFICATE_REQUIRED: 401,
  /** No chain of signatures leads from the certificate to a root in `ca`. */
  ERR_MTLS_CERTIFICATE_UNTRUSTED: 401,
  /** The certificate, or a CA above it, is past its notAfter. */
  ERR_MTLS_CERTIFICATE_EXPIRED: 401,
  /** A CRL in force lists the certificate, or a CA above it. */
  ERR_MTLS_CERTIFICATE_REVOKED: 401,
  /** The certificate is not one that a client may use: its purpose, its key, its dates, or it does not read. */
  ERR_MTLS_CERTIFICATE_INVALID: 401,
  /** No current CRL can tell about the certificate. */
  ERR_MTLS_REVOCATION_UNKNOWN: 503,
  /** The client is who it says, and the rule of the route does not admit it. */
  ERR_MTLS_CLIENT_FORBIDDEN: 403,
  /** With `sni`: the request is for another name than the handshake was. */
  ERR_MTLS_REQUEST_MISDIRECTED: 421,
  /** An option, a rule or a call is not what it may be, or a file cannot be read. */
  ERR_MTLS_OPTION_INVALID: 500,
  /** A key or a certificate does not read, or a file that should be PEM is none. */
  ERR_MTLS_PEM_INVALID: 500,
  /** The private key does not belong to the first certificate in `cert`. */
  ERR_MTLS_KEY_MISMATCH: 500,
  /** What should be a CRL is none, or is dated in the future. */
  ERR_MTLS_CRL_INVALID: 500,
  /** No key of the CA that the CRL names made its signature. */
  ERR_MTLS_CRL_SIGNATURE_INVALID: 500,
  /** No CA in `ca` may have signed the CRL. */
  ERR_MTLS_CRL_ISSUER_UNKNOWN: 500,
  /** The CRL is past its nextUpdate, and past the grace, when it is loaded. */
  ERR_MTLS_CRL_EXPIRED: 500,
  /** A reload met a CRL that is older than the one in force, or misses one. */
  ERR_MTLS_CRL_ROLLBACK: 500,
  /** The CRL has a critical extension that is not understood, or a weak signature. */
  ERR_MTLS_CRL_UNSUPPORTED: 500,
} as const;

/** What went wrong, in a form for programs: `error.code === 'ERR_MTLS_CERTIFICATE_REVOKED'`. */
export type ErrorCode = keyof typeof statusByCode;

/** Every {@link ErrorCode} under its own name, so that a misspelt code does not compile. */
export const ErrorCode: { readonly [Code in keyof typeof statusByCode]: Code } = Object.freeze(
  Object.fromEntries(Object.keys(statusByCode).map((code) => [code, code])),
) as { readonly [Code in ErrorCode]: Code };

/** The codes of what is the server's own fault: at start, and at a reload. */
export const faultCodes: readonly ErrorCode[] = Object.freeze(
  Object.values(ErrorCode).filter((code) => statusByCode[code] === 500),
);

/** What this package throws, rejects with, and passes to `next()`. */
export class MtlsError extends Error {
  /** `'MtlsError'`. */
  override readonly name: string = 'MtlsError';
  /** What went wrong; stable between releases, unlike the message. */
  readonly code: ErrorCode;
  /** The HTTP status of an answer to this error: 401, 403, 421, 503, or 500 for a fault of the server's own. */
  readonly status: number;
  /** The faults one by one, where there are several; `undefined` where this is the only one. */
  readonly errors: readonly MtlsError[] | undefined;

  /**
   * @param code - What went wrong.
   * @param message - What was seen, what was expected, and the remedy.
   * @param options - The error behind this one, as `cause`; several faults, as `errors`.
   */
  constructor(
    code: ErrorCode,
    message: string,
    options?: ErrorOptions & { readonly errors?: readonly MtlsError[] },
  ) {
    super(message, options);
    this.code = code;
    this.status = statusByCode[code];
    this.errors = options?.errors && Object.freeze([...options.errors]);
  }

  /** The same as {@link MtlsError.status}, under the name that http-errors and some frameworks read. */
  get statusCode(): number {
    return this.status;
  }
}

// A person mends a few at a time, and a file may be at fault in each of its blocks.
const mostTold = 10;

/** One error for several faults, so that nobody mends one to meet the next. Its code is the first one's. */
export function combineFaults(faults: readonly [MtlsError, ...MtlsError[]]): MtlsError {
  const [first] = faults;
  if (faults.length === 1) return first;
  const errors = faults.flatMap((fault) => fault.errors ?? [fault]);
  const told = errors.slice(0, mostTold).map(({ message }) => message);
  if (errors.length > mostTold) told.push(`and ${errors.length - mostTold} more`);
  return new MtlsError(first.code, told.join('\n'), { errors });
}
