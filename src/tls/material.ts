/**
 * Everything the sources hold, read and checked as one: key, certificate, CAs
 * and CRLs. What a reload builds before it touches anything in force.
 *
 * @module
 */
import { MtlsError } from '../errors.js';
import { type Settings } from '../options.js';
import { admitCrl, checkCrlDates } from '../revocation/admit-crl.js';
import { newestOfEachScope, type VerifiedCrl } from '../revocation/crl-set.js';
import { RevocationChecker } from '../revocation/revocation-checker.js';
import { type Certificate, KeyUsage, parseCertificate } from '../x509/certificate.js';
import { CertificateStore, isCa } from '../x509/certificate-store.js';
import { checkServerCredentials, type ServerCredentials } from './server-credentials.js';
import {
  certificateBlocks,
  crlBlocks,
  hashSources,
  readBlocks,
  readCrlSource,
  readSource,
  type SourceBytes,
} from './sources.js';

/** What a server works with, from one reading of its sources. Immutable. */
export interface Material {
  readonly credentials: ServerCredentials;
  readonly store: CertificateStore;
  /** `undefined`: no CRL was configured. */
  readonly revocation: RevocationChecker | undefined;
  /** A hash of all sources. */
  readonly hash: string;
}

/**
 * Reads and checks every source.
 * @param inForce - What it would replace: CRLs that did not change are not verified again.
 * @throws MtlsError naming file, fault and remedy; where several sources are at fault, the message lists them all.
 */
export async function loadMaterial(
  settings: Settings,
  signal: AbortSignal,
  inForce?: Material,
): Promise<Material> {
  const at = new Date(settings.now());
  const [key, cert, cas, crls] = await allOrFaults([
    readSource(settings.key, 'key'),
    readSource(settings.cert, 'cert'),
    allOrFaults(settings.ca.map((source, index) => readSource(source, nameOf('ca', index, settings.ca)))),
    allOrFaults(
      settings.crl.map((source, index) => readCrlSource(source, nameOf('crl', index, settings.crl), signal)),
    ),
  ]);
  const hash = hashSources([key, cert, ...cas, ...crls.flat()]);
  if (hash === inForce?.hash) return inForce;
  const [credentials, trust] = await allOrFaults([
    attempt(() => checkServerCredentials(key, cert, settings.passphrase, at)),
    attempt(() => {
      const store = readCas(cas, at);
      return {
        store,
        revocation:
          settings.crl.length === 0 ? undefined : readCrls(crls.flat(), store, settings, at, inForce),
      };
    }),
  ]);
  return Object.freeze({ credentials, ...trust, hash });
}

function nameOf(option: string, index: number, list: readonly unknown[]): string {
  return list.length === 1 ? option : `${option}[${index}]`;
}

/**
 * Reads the CAs.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID` for a certificate that is no CA and signs no CRLs, where none of
 *   them is a self-signed root, and where all have expired.
 */
function readCas(sources: readonly SourceBytes[], at: Date): CertificateStore {
  const certificates = sources.flatMap((source) =>
    readBlocks(source, certificateBlocks).map((der) =>
      checkCa(readCertificate(der, source.origin), source.origin),
    ),
  );
  const origins = sources.map(({ origin }) => origin).join(', ');
  const store = new CertificateStore(certificates);
  if (!certificates.some((certificate) => store.chainOf(certificate) !== undefined)) {
    throw new MtlsError(
      'ERR_MTLS_OPTION_INVALID',
      `${origins}: no certificate in it leads to a self-signed root, so that no client could be trusted; add the root`,
    );
  }
  if (certificates.every(({ notAfter }) => notAfter <= at)) {
    const last = new Date(Math.max(...certificates.map(({ notAfter }) => notAfter.getTime())));
    throw new MtlsError(
      'ERR_MTLS_OPTION_INVALID',
      `${origins}: every CA in it has expired, the last at ${last.toISOString()}; make a new CA`,
    );
  }
  return store;
}

function readCertificate(der: Buffer, origin: string): Certificate {
  try {
    return parseCertificate(der);
  } catch (cause) {
    if (!(cause instanceof MtlsError)) throw cause;
    throw new MtlsError('ERR_MTLS_PEM_INVALID', `${origin}: ${cause.message}`, { cause });
  }
}

// A leaf in `ca` would be trusted as itself by OpenSSL, whatever signed it.
function checkCa(certificate: Certificate, origin: string): Certificate {
  if (isCa(certificate) || ((certificate.keyUsage ?? 0) & KeyUsage.crlSign) !== 0) return certificate;
  const fault =
    certificate.version < 3
      ? `is of X.509 version ${certificate.version} and not self-signed, so that it cannot say it is a CA`
      : 'is no CA (its basicConstraints do not say CA:TRUE)';
  throw new MtlsError(
    'ERR_MTLS_OPTION_INVALID',
    `${origin}: "${certificate.subject}" ${fault}; give the CA that signed the clients, not a client or server certificate`,
  );
}

function readCrls(
  sources: readonly SourceBytes[],
  store: CertificateStore,
  settings: Settings,
  at: Date,
  inForce: Material | undefined,
): RevocationChecker {
  const { revocation: policy } = settings;
  const known = inForce?.revocation?.crls ?? [];
  const verified = sources.flatMap((source) =>
    readBlocks(source, crlBlocks).map((der): VerifiedCrl => {
      const unchanged = known.find(
        ({ crl, signer }) => crl.raw.equals(der) && store.certificates.includes(signer),
      );
      const crl =
        unchanged ??
        admitCrl({ der, origin: source.origin }, { store, weakSignature: policy.weakSignature }, at);
      checkCrlDates(crl, policy, at);
      return crl;
    }),
  );
  return new RevocationChecker(newestOfEachScope(verified), store, policy);
}

async function attempt<Value>(compute: () => Value): Promise<Value> {
  return await new Promise((resolve) => {
    resolve(compute());
  });
}

type Settled<Promises extends readonly Promise<unknown>[]> = {
  [Index in keyof Promises]: Awaited<Promises[Index]>;
};

/** Waits for all, and rejects with every fault at once, so that nobody mends one to meet the next. */
async function allOrFaults<const Promises extends readonly Promise<unknown>[]>(
  promises: Promises,
): Promise<Settled<Promises>> {
  const results = await Promise.allSettled(promises);
  const faults = results.flatMap((result) =>
    result.status === 'rejected' ? [result.reason as unknown] : [],
  );
  const [first] = faults;
  if (faults.length === 0)
    return results.map((result) => (result as PromiseFulfilledResult<unknown>).value) as Settled<Promises>;
  if (faults.length === 1 || !faults.every((fault) => fault instanceof MtlsError)) throw first;
  throw new MtlsError((first as MtlsError).code, faults.map(({ message }) => message).join('\n'), {
    cause: new AggregateError(faults),
  });
}
