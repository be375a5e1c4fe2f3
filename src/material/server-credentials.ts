/**
 * The server's own key and certificate: read, and checked to match.
 *
 * @module
 */
import { type KeyObject, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { MtlsError } from '../errors.js';
import { readBlocks } from './blocks.js';
import { readPrivateKey } from './private-key.js';
import { type PairSources } from './server-names.js';
import { type Source } from './source-options.js';
import { attempt, type SourceFault } from './source-fault.js';
import {
  type BlockExpectation,
  certificateBlocks,
  hashSources,
  isPath,
  readSource,
  type SourceBytes,
  toPem,
} from './sources.js';

/** A matching key and certificate, in the form for node:tls. */
export interface ServerCredentials {
  /** A hash of the sources, to detect changes. */
  readonly hash: string;
  /** PEM. */
  readonly key: string;
  readonly passphrase: string | undefined;
  /** PEM: the server's certificate, then its intermediates. */
  readonly cert: string;
  /** The notBefore of the server's certificate. */
  readonly notBefore: Date;
  /** The notAfter of the server's certificate. */
  readonly notAfter: Date;
}

/** A usable key and certificate, or their fault. */
export type CredentialReading =
  | { readonly credentials: ServerCredentials; readonly faults?: undefined }
  | { readonly credentials?: undefined; readonly faults: readonly SourceFault[] };

/**
 * Reads and checks a key and a certificate.
 * @param prefix - The prefix of the option names in errors: `''`, or `'sni["a.example"].'`.
 * @param inForce - What they would replace. If nothing changed, it is returned.
 */
export function loadCredentials(
  { key, cert, passphrase }: PairSources,
  { prefix, at }: { readonly prefix: string; readonly at: Date },
  inForce: ServerCredentials | undefined,
): CredentialReading {
  const names = { key: nameOf(key, `${prefix}key`), cert: nameOf(cert, `${prefix}cert`) };
  const keyRead = attempt(names.key, () => readSource(key, `${prefix}key`));
  const certRead = attempt(names.cert, () => readSource(cert, `${prefix}cert`));
  if (keyRead.result === undefined || certRead.result === undefined)
    return { faults: [keyRead, certRead].flatMap(({ fault }) => fault ?? []) };
  const sources = [keyRead.result, certRead.result] as const;
  if (inForce?.hash === hashSources(sources)) return { credentials: inForce };
  const checked = attempt(names.cert, () => checkServerCredentials(...sources, passphrase, at, prefix));
  if (checked.fault === undefined) return { credentials: checked.result };
  const isHalf = checked.fault.error.code === 'ERR_MTLS_KEY_MISMATCH';
  return { faults: [{ ...checked.fault, isHalf }] };
}

function nameOf(source: Source, option: string): string {
  return isPath(source) ? source : `options.${option}`;
}

/**
 * Checks a key and a certificate.
 * @param prefix - As for {@link loadCredentials}.
 * @throws MtlsError `ERR_MTLS_PEM_INVALID` for something other than a key or a certificate,
 *   `ERR_MTLS_PASSPHRASE_INVALID` for a missing or wrong passphrase, `ERR_MTLS_SERVER_CERTIFICATE_INVALID` for a
 *   certificate outside its validity period, `ERR_MTLS_KEY_MISMATCH` for a key and a certificate that do not match.
 */
export function checkServerCredentials(
  key: SourceBytes,
  cert: SourceBytes,
  passphrase: string | undefined,
  at: Date,
  prefix = '',
): ServerCredentials {
  const name = `options.${prefix}passphrase`;
  const { key: privateKey, ...read } = readPrivateKey(key, {
    value: passphrase,
    remedy: `set ${name} to ${passphrase === undefined ? 'its passphrase' : 'the passphrase of this key'}`,
    name: `the given ${name}`,
  });
  const ders = readBlocks(cert, key.bytes.equals(cert.bytes) ? besideKey : certificateBlocks);
  const certificates = ders.map((der) => readCertificate(der, cert.origin));
  const [leaf] = certificates;
  if (!leaf?.checkPrivateKey(privateKey)) throw mismatch(key, cert, certificates, privateKey);
  checkDates(leaf, cert.origin, at);
  const credentials = {
    hash: hashSources([key, cert]),
    key: read.pem,
    passphrase: read.passphrase,
    cert: toPem(ders, 'CERTIFICATE'),
    notBefore: new Date(leaf.validFrom),
    notAfter: new Date(leaf.validTo),
  };
  dryRun(credentials, key.origin, cert.origin);
  return Object.freeze(credentials);
}

// One file can hold both and be used for both options. A key in any other certificate file is a mistake.
const besideKey: BlockExpectation = {
  ...certificateBlocks,
  beside: ['pkcs8', 'encrypted-pkcs8', 'pkcs1', 'sec1'],
};

function readCertificate(der: Buffer, origin: string): X509Certificate {
  try {
    return new X509Certificate(der);
  } catch (cause) {
    throw new MtlsError(
      'ERR_MTLS_PEM_INVALID',
      { source: origin, seen: 'a certificate in it cannot be read', remedy: 'write the file again' },
      { cause },
    );
  }
}

function mismatch(
  key: SourceBytes,
  cert: SourceBytes,
  certificates: readonly X509Certificate[],
  privateKey: KeyObject,
): MtlsError {
  const place = certificates.findIndex((certificate) => certificate.checkPrivateKey(privateKey));
  const remedy =
    place > 0
      ? `the key belongs to certificate ${place + 1} in the file: put the server's certificate first`
      : key.origin.startsWith('options.')
        ? 'use a matching pair'
        : 'if the pair is being replaced, the other file may follow; otherwise use a matching pair';
  return new MtlsError('ERR_MTLS_KEY_MISMATCH', {
    seen: `the key in ${key.origin} does not belong to the certificate in ${cert.origin}`,
    remedy,
  });
}

function checkDates({ validFrom, validTo }: X509Certificate, origin: string, at: Date): void {
  if (new Date(validFrom) > at) {
    throw new MtlsError('ERR_MTLS_SERVER_CERTIFICATE_INVALID', {
      source: origin,
      seen: `the server's certificate is not valid before ${new Date(validFrom).toISOString()}`,
      remedy: `check the clock of this host, which says ${at.toISOString()}`,
    });
  }
  if (new Date(validTo) <= at) {
    throw new MtlsError('ERR_MTLS_SERVER_CERTIFICATE_INVALID', {
      source: origin,
      seen: `the server's certificate expired at ${new Date(validTo).toISOString()}`,
      remedy: `issue a new one (the clock of this host says ${at.toISOString()})`,
    });
  }
}

// OpenSSL checks the pair before anything in force changes: it rejects, for example, a key that is too short.
function dryRun(
  { key, cert, passphrase }: Pick<ServerCredentials, 'key' | 'passphrase' | 'cert'>,
  keyOrigin: string,
  certOrigin: string,
): void {
  try {
    createSecureContext({ key, cert, ...(passphrase === undefined ? {} : { passphrase }) });
  } catch (cause) {
    // Not by `instanceof`: in the contexts of test runners, errors of Node have another class.
    const why = (cause as Partial<Error> | null)?.message ?? String(cause);
    throw new MtlsError(
      'ERR_MTLS_SERVER_CERTIFICATE_INVALID',
      { seen: `OpenSSL rejects the key in ${keyOrigin} with the certificate in ${certOrigin}: ${why}` },
      { cause },
    );
  }
}
