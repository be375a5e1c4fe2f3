/**
 * Every error of this package: one class, and a stable code for each kind.
 *
 * @module
 */
import { printBriefly } from './error-printing.js';

/**
 * The codes of {@link MtlsError}, each with the HTTP status of the answer. A code with status 500 is never the
 * client's fault: such errors are thrown when the server starts or reloads.
 */
const statusByCode = {
  /** The client presented no certificate, and the route requires one. */
  ERR_MTLS_CERTIFICATE_REQUIRED: 401,
  /** No certification path leads from the certificate to a trust anchor in `ca`. */
  ERR_MTLS_CERTIFICATE_UNTRUSTED: 401,
  /** The certificate, or a CA above it, is past its notAfter. */
  ERR_MTLS_CERTIFICATE_EXPIRED: 401,
  /** A CRL in force lists the certificate, or a CA above it. */
  ERR_MTLS_CERTIFICATE_REVOKED: 401,
  /**
   * The certificate cannot be a client certificate: its purpose, key or dates do not allow it, or it cannot be
   * parsed.
   */
  ERR_MTLS_CERTIFICATE_INVALID: 401,
  /** No current CRL covers the certificate. */
  ERR_MTLS_REVOCATION_UNKNOWN: 503,
  /** The client is authenticated, but the rule of the route forbids the request. */
  ERR_MTLS_CLIENT_FORBIDDEN: 403,
  /** With `requireBoundToken()`: the request has no access token. */
  ERR_MTLS_TOKEN_REQUIRED: 401,
  /** With `requireBoundToken()`: the access token is not bound to the certificate of the client. */
  ERR_MTLS_TOKEN_INVALID: 401,
  /** With `proxies`: the request did not come from a proxy. */
  ERR_MTLS_PROXY_UNTRUSTED: 403,
  /** With `proxies`: the header that should hold a certificate cannot be read as one. */
  ERR_MTLS_HEADER_INVALID: 400,
  /** With `proxies`: too many forwarded certificates are signed by no configured CA, and a new one has to wait. */
  ERR_MTLS_OVERLOADED: 503,
  /** With `sni`: the request is for another server name than the handshake. */
  ERR_MTLS_REQUEST_MISDIRECTED: 421,
  /** An option, a rule or an argument is invalid. */
  ERR_MTLS_OPTION_INVALID: 500,
  /**
   * A call does not fit the state of the server: it already listens, already has a gate, or has not read its sources.
   */
  ERR_MTLS_STATE_INVALID: 500,
  /** A request arrived through a server that this package does not protect. */
  ERR_MTLS_SERVER_UNPROTECTED: 500,
  /** The JavaScript runtime lacks what the package needs, such as replacing the certificates of a running server. */
  ERR_MTLS_RUNTIME_UNSUPPORTED: 500,
  /** A file, a directory or a loader yields nothing readable. */
  ERR_MTLS_SOURCE_UNREADABLE: 500,
  /** A shared store of CRLs cannot be read or written, or holds something unusable. */
  ERR_MTLS_STORE_FAILED: 500,
  /** A key or a PKCS#12 file is encrypted, and the passphrase is missing or wrong. */
  ERR_MTLS_PASSPHRASE_INVALID: 500,
  /** A key or a file has an unsupported form, such as an encryption that OpenSSL 3 has dropped. */
  ERR_MTLS_FORMAT_UNSUPPORTED: 500,
  /** The server's own certificate has expired, is not valid yet, or is rejected by OpenSSL. */
  ERR_MTLS_SERVER_CERTIFICATE_INVALID: 500,
  /**
   * `ca` can admit no client: it has no CA, no trust anchor, only expired CAs, or more CA names than fit into a
   * handshake.
   */
  ERR_MTLS_CA_INVALID: 500,
  /** OpenSSL rejects the options as a whole, or every handshake would fail. */
  ERR_MTLS_TLS_CONFIG_INVALID: 500,
  /** A key or a certificate cannot be parsed, or a file that should be PEM is not. */
  ERR_MTLS_PEM_INVALID: 500,
  /** The private key does not belong to the first certificate in `cert`. */
  ERR_MTLS_KEY_MISMATCH: 500,
  /** A source of CRLs holds something else, or a CRL with a thisUpdate in the future. */
  ERR_MTLS_CRL_INVALID: 500,
  /** The signature of the CRL was not made with a key of the CA that it names. */
  ERR_MTLS_CRL_SIGNATURE_INVALID: 500,
  /** No CA in `ca` can have signed the CRL. */
  ERR_MTLS_CRL_ISSUER_UNKNOWN: 500,
  /** The CRL was past its nextUpdate and the grace period when it was loaded. */
  ERR_MTLS_CRL_EXPIRED: 500,
  /** A reload found a CRL older than the one in force, or found none where one is in force. */
  ERR_MTLS_CRL_ROLLBACK: 500,
  /** The CRL has an unsupported critical extension or a weak signature. */
  ERR_MTLS_CRL_UNSUPPORTED: 500,
  /**
   * A certificate request cannot be parsed, is not signed by its own key, or asks for something the CA does not
   * certify.
   */
  ERR_MTLS_REQUEST_INVALID: 500,
  /** The folder of a CA lacks a file, or a file in it is damaged. */
  ERR_MTLS_CA_FOLDER_INVALID: 500,
  /** Another process is writing to the folder of the CA. */
  ERR_MTLS_CA_LOCKED: 500,
  /** A file already exists. It was not overwritten. */
  ERR_MTLS_FILE_EXISTS: 500,
  /** The CA has issued no such certificate, or several with that name. */
  ERR_MTLS_CERTIFICATE_NOT_FOUND: 500,
  /** The visited server does not answer with TLS. */
  ERR_MTLS_SERVER_UNREACHABLE: 500,
  /** The server was closed while it read its sources. */
  ERR_MTLS_ABORTED: 500,
  /** A defect of this package: please report it. */
  ERR_MTLS_INTERNAL: 500,
} as const;

/** What went wrong, for programs: `error.code === 'ERR_MTLS_CERTIFICATE_REVOKED'`. */
export type ErrorCode = keyof typeof statusByCode;

/**
 * Every {@link ErrorCode} under its own name: a misspelt code does not compile.
 * @example
 * ```ts
 * mtls.on('refused', ({ code }) => {
 *   if (code === ErrorCode.ERR_MTLS_REVOCATION_UNKNOWN) console.error('publish a newer CRL');
 * });
 * ```
 */
export const ErrorCode: { readonly [Code in keyof typeof statusByCode]: Code } = Object.freeze(
  Object.fromEntries(Object.keys(statusByCode).map((code) => [code, code])),
) as { readonly [Code in ErrorCode]: Code };

/** The codes that report a fault of the server, at start or at a reload. */
export const faultCodes: readonly ErrorCode[] = Object.freeze(
  Object.values(ErrorCode).filter((code) => statusByCode[code] === 500),
);

/**
 * The parts of an {@link MtlsError}.
 * @example
 * ```ts
 * const details: ErrorDetails = {
 *   seen: 'the tenant is suspended',
 *   remedy: 'ask an administrator to enable it',
 * };
 * throw new MtlsError('ERR_MTLS_CLIENT_FORBIDDEN', details);
 * ```
 */
export interface ErrorDetails {
  /** What was seen. */
  readonly seen: string;
  /** What was expected instead. */
  readonly expected?: string | undefined;
  /** How to fix it. */
  readonly remedy?: string | undefined;
  /** Where it was seen: a file, an option, or a position in a file. */
  readonly source?: string | undefined;
  /** Each fault, if there are several. */
  readonly errors?: readonly MtlsError[] | undefined;
}

// A registered symbol, so that two copies of this package recognise each other's errors. The number changes with the
// meaning of `code`, `status`, `seen` and `message`.
const brand: unique symbol = Symbol.for('express-mtls.error.1');

/**
 * The error that this package throws, rejects with and passes to `next()`. Its message is composed of its parts.
 * `instanceof` also recognises the errors of another copy of this package in the same process.
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
  /** What went wrong. Codes are stable between releases; texts are not. */
  readonly code: ErrorCode;
  /** The HTTP status of the answer: 400, 401, 403, 421, 503, or 500 for a fault of the server itself. */
  readonly status: number;
  /** What was seen. */
  readonly seen: string;
  /** What was expected instead; `undefined` if that is obvious. */
  readonly expected: string | undefined;
  /** How to fix it; `undefined` if there is nothing to do. */
  readonly remedy: string | undefined;
  /** Where it was seen: a file, an option, or a position in a file. */
  readonly source: string | undefined;
  /** Each fault, if there are several; otherwise `undefined`. */
  readonly errors: readonly MtlsError[] | undefined;

  /**
   * @param code - What went wrong.
   * @param details - What was seen, what was expected, and how to fix it.
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
    if (this.errors !== undefined) printBriefly(this, this.errors);
  }

  /** Same as {@link MtlsError.status}, under the name that http-errors and some frameworks read. */
  get statusCode(): number {
    return this.status;
  }

  /**
   * Whether a framework may send the message to the client, as in http-errors: for refusals of a request, unless the
   * message names a file or an option.
   */
  get expose(): boolean {
    return this.status < 500 && this.source === undefined;
  }

  /**
   * Recognises the errors of every copy of this package.
   * @param value - What was thrown.
   */
  static override [Symbol.hasInstance](value: unknown): boolean {
    // A subclass keeps its own meaning of instanceof.
    if (this !== MtlsError) return Function.prototype[Symbol.hasInstance].call(this, value);
    return typeof value === 'object' && value !== null && (value as { [brand]?: unknown })[brand] === true;
  }
}

Object.defineProperty(MtlsError.prototype, brand, { value: true });

// A file can have a fault in every block. A reader fixes a few at a time.
const mostListed = 10;

function messageOf({ source, errors, ...sentence }: ErrorDetails): string {
  if (errors !== undefined) {
    const listed = errors.slice(0, mostListed).map(({ message }) => message);
    if (errors.length > mostListed) listed.push(`and ${errors.length - mostListed} more`);
    return listed.join('\n');
  }
  return source === undefined ? sentenceOf(sentence) : `${source}: ${sentenceOf(sentence)}`;
}

type Sentence = Pick<ErrorDetails, 'seen' | 'expected' | 'remedy'>;

/** Joins what was seen, what was expected and the remedy into one sentence. */
export function sentenceOf({ seen, expected, remedy }: Sentence): string {
  const parts = [seen, expected === undefined ? undefined : `expected ${expected}`, remedy];
  const given = parts.filter((part) => part !== undefined);
  // What was seen may quote an error of another package, which ends in a full stop.
  return given.map((part, index) => (index < given.length - 1 ? withoutStop(part) : part)).join('; ');
}

function withoutStop(part: string): string {
  return part.endsWith('.') && !part.endsWith('..') ? part.slice(0, -1) : part;
}

/**
 * Runs `work` and adds the place to an error that it throws.
 * @param place - A file, or a position in a file that the error already names.
 * @param code - Replaces the code of the error.
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

/** An error that already names the file keeps its source. */
function locate(source: string | undefined, place: string): string {
  if (source === undefined) return place;
  return source === place || source.startsWith(`${place}: `) ? source : `${place}: ${source}`;
}

/** An error as plain data, because errors lose their class between threads. */
export interface ErrorData extends Omit<ErrorDetails, 'errors'> {
  readonly code: ErrorCode;
  readonly errors: readonly ErrorData[] | undefined;
}

/** Converts an error to plain data. */
export function dataOf({ code, seen, expected, remedy, source, errors }: MtlsError): ErrorData {
  return { code, seen, expected, remedy, source, errors: errors?.map(dataOf) };
}

/** Restores an error from its data. */
export function errorOf({ code, errors, ...details }: ErrorData): MtlsError {
  return new MtlsError(code, { ...details, errors: errors?.map(errorOf) });
}

/** Combines several faults into one error, with the code of the first. */
export function combineFaults(faults: readonly [MtlsError, ...MtlsError[]]): MtlsError {
  const [first] = faults;
  if (faults.length === 1) return first;
  const errors = faults.flatMap((fault) => fault.errors ?? [fault]);
  return new MtlsError(first.code, { seen: `${errors.length} faults`, errors });
}
