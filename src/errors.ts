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
  /** With `proxies`: the request came past the proxies. */
  ERR_MTLS_PROXY_UNTRUSTED: 403,
  /** With `proxies`: the header that should hold a certificate holds none that reads. */
  ERR_MTLS_HEADER_INVALID: 400,
  /** With `proxies`: too many forwarded certificates are by no configured CA, and a new one has to wait. */
  ERR_MTLS_OVERLOADED: 503,
  /** With `sni`: the request is for another name than the handshake was. */
  ERR_MTLS_REQUEST_MISDIRECTED: 421,
  /** An option, a rule or an argument is not what it may be. */
  ERR_MTLS_OPTION_INVALID: 500,
  /** A call does not fit what the server is doing: it listens already, has a gate, or has not read its sources. */
  ERR_MTLS_STATE_INVALID: 500,
  /** A request came through a server that this package does not guard. */
  ERR_MTLS_SERVER_UNPROTECTED: 500,
  /** A file, a folder or a loader gives nothing that could be read. */
  ERR_MTLS_SOURCE_UNREADABLE: 500,
  /** A key or a PKCS#12 file is encrypted, and its passphrase is missing or wrong. */
  ERR_MTLS_PASSPHRASE_INVALID: 500,
  /** A key or a file is in a form that is not supported, such as an encryption that OpenSSL 3 no longer has. */
  ERR_MTLS_FORMAT_UNSUPPORTED: 500,
  /** The server's own certificate is not in date, or OpenSSL refuses it. */
  ERR_MTLS_SERVER_CERTIFICATE_INVALID: 500,
  /** What is in `ca` can admit no client: no CA, no root, expired, or more names than a handshake holds. */
  ERR_MTLS_CA_INVALID: 500,
  /** OpenSSL refuses the options as a whole, or every handshake would fail. */
  ERR_MTLS_TLS_CONFIG_INVALID: 500,
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
  /** A certificate request does not read, is not signed by its own key, or asks for what a CA here does not sign. */
  ERR_MTLS_REQUEST_INVALID: 500,
  /** The folder of a CA lacks a file, or one of its files is damaged. */
  ERR_MTLS_CA_FOLDER_INVALID: 500,
  /** Another process writes to the folder of the CA. */
  ERR_MTLS_CA_LOCKED: 500,
  /** A file would be overwritten, and none is. */
  ERR_MTLS_FILE_EXISTS: 500,
  /** The CA has issued no such certificate, or several of that name. */
  ERR_MTLS_CERTIFICATE_NOT_FOUND: 500,
  /** A server that was to be visited does not answer with TLS. */
  ERR_MTLS_SERVER_UNREACHABLE: 500,
  /** The server was closed while its sources were read. */
  ERR_MTLS_ABORTED: 500,
  /** A defect of this package: please report it. */
  ERR_MTLS_INTERNAL: 500,
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

/** What an {@link MtlsError} is made of. */
export interface ErrorDetails {
  /** What was seen. */
  readonly seen: string;
  /** What was expected in its place. */
  readonly expected?: string | undefined;
  /** What to do. */
  readonly remedy?: string | undefined;
  /** Where it was seen: a file, an option, a place in a file. */
  readonly source?: string | undefined;
  /** The faults one by one, where there are several. */
  readonly errors?: readonly MtlsError[] | undefined;
}

/**
 * What this package throws, rejects with, and passes to `next()`. Its message is made from its parts.
 * @example
 * ```ts
 * try {
 *   await createServer(options, app);
 * } catch (error) {
 *   if (!(error instanceof MtlsError)) throw error;
 *   for (const { code, source, seen, remedy } of error.errors ?? [error]) console.error({ code, source, seen, remedy });
 * }
 * ```
 */
export class MtlsError extends Error {
  /** `'MtlsError'`. */
  override readonly name: string = 'MtlsError';
  /** What went wrong; stable between releases, unlike the texts. */
  readonly code: ErrorCode;
  /** The HTTP status of an answer to this error: 400, 401, 403, 421, 503, or 500 for a fault of the server's own. */
  readonly status: number;
  /** What was seen. */
  readonly seen: string;
  /** What was expected in its place; `undefined` where that goes without saying. */
  readonly expected: string | undefined;
  /** What to do; `undefined` where there is nothing to be done. */
  readonly remedy: string | undefined;
  /** Where it was seen: a file, an option, a place in a file. */
  readonly source: string | undefined;
  /** The faults one by one, where there are several; `undefined` where this is the only one. */
  readonly errors: readonly MtlsError[] | undefined;

  /**
   * @param code - What went wrong.
   * @param details - What was seen, what was expected, and the remedy.
   * @param options - The error behind this one, as `cause`.
   */
  constructor(code: ErrorCode, details: ErrorDetails, options?: ErrorOptions) {
    super(messageOf(details), options);
    this.code = code;
    this.status = statusByCode[code];
    this.seen = details.seen;
    this.expected = details.expected;
    this.remedy = details.remedy;
    this.source = details.source;
    this.errors = details.errors && Object.freeze([...details.errors]);
  }

  /** The same as {@link MtlsError.status}, under the name that http-errors and some frameworks read. */
  get statusCode(): number {
    return this.status;
  }
}

// A person fixes a few at a time, and a file may be at fault in each of its blocks.
const mostListed = 10;

function messageOf({ source, errors, ...sentence }: ErrorDetails): string {
  if (errors !== undefined) {
    const listed = errors.slice(0, mostListed).map(({ message }) => message);
    if (errors.length > mostListed) listed.push(`and ${errors.length - mostListed} more`);
    return listed.join('\n');
  }
  return source === undefined ? sentenceOf(sentence) : `${source}: ${sentenceOf(sentence)}`;
}

/** What was seen, what was expected and the remedy, in one sentence. */
export function sentenceOf({
  seen,
  expected,
  remedy,
}: Pick<ErrorDetails, 'seen' | 'expected' | 'remedy'>): string {
  const parts = [seen, expected === undefined ? undefined : `expected ${expected}`, remedy];
  return parts.filter((part) => part !== undefined).join('; ');
}

/**
 * Does `work`, and names the place in an error of its.
 * @param place - A file, or a place in the one that is named already.
 * @param code - For errors that have one of their own elsewhere; by default each keeps its code.
 */
export function locating<Result>(place: string, work: () => Result, code?: ErrorCode): Result {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof MtlsError)) throw error;
    const { seen, expected, remedy, errors } = error;
    const source = locate(error.source, place);
    throw new MtlsError(code ?? error.code, { source, seen, expected, remedy, errors }, { cause: error });
  }
}

/** One that names the file already is left as it is. */
function locate(source: string | undefined, place: string): string {
  if (source === undefined) return place;
  return source === place || source.startsWith(`${place}: `) ? source : `${place}: ${source}`;
}

/** An error as plain data: errors lose their class between threads. */
export interface ErrorData extends Omit<ErrorDetails, 'errors'> {
  readonly code: ErrorCode;
  readonly errors: readonly ErrorData[] | undefined;
}

/** The data of an error. */
export function dataOf({ code, seen, expected, remedy, source, errors }: MtlsError): ErrorData {
  return { code, seen, expected, remedy, source, errors: errors?.map(dataOf) };
}

/** The error that the data are of. */
export function errorOf({ code, errors, ...details }: ErrorData): MtlsError {
  return new MtlsError(code, { ...details, errors: errors?.map(errorOf) });
}

/** One error for several faults, which are reported together. Its code is the first one's. */
export function combineFaults(faults: readonly [MtlsError, ...MtlsError[]]): MtlsError {
  const [first] = faults;
  if (faults.length === 1) return first;
  const errors = faults.flatMap((fault) => fault.errors ?? [fault]);
  return new MtlsError(first.code, { seen: `${errors.length} faults`, errors });
}
