/**
 * Replaces a certificate with a new one. A server that watches both files keeps the old pair while key and certificate
 * do not match.
 *
 * @module
 */
import { X509Certificate } from 'node:crypto';
import path from 'node:path';
import { MtlsError } from '../errors.js';
import type { Authority } from './authority.js';
import { readBounded } from './bounded-file.js';
import type { CertificateKind, DevCertificate } from './database.js';
import { replaceFile } from './files.js';
import { makeFolder } from './folder.js';
import { describeCertificate, oldDirectory, readRows } from './inventory.js';
import { algorithmOf, signAndRecord } from './issuance.js';
import { createKeyPair, formatPrivateKey } from './keys.js';
import { kindOf, pairFiles, readPair } from './pair.js';
import { replacePair } from './pair-replacement.js';
import { revokeCertificate, type CrlFile } from './revocation-list.js';

/**
 * The options of a renewal.
 * @example
 * ```ts
 * await ca.renew('client1', { key: 'new', old: 'revoke' });
 * ```
 */
export interface RenewOptions {
  /**
   * The lifetime of the new certificate in days, limited to that of the CA.
   * @defaultValue `365`; above 0, at most 36_500, fractions allowed
   */
  readonly days?: number;
  /**
   * Whether to keep the key. A new key is RSA with 4096 bits if the old one is RSA, and otherwise on P-256.
   * @defaultValue `'keep'`
   */
  readonly key?: 'keep' | 'new';
  /**
   * What happens to the old certificate: it stays valid until it expires, or it is revoked as `superseded`.
   * @defaultValue `'keep'`
   */
  readonly old?: 'keep' | 'revoke';
  /**
   * What the new certificate is for, if the old one states neither purpose or both, which is possible after an
   * import. Otherwise the purpose cannot be changed.
   * @defaultValue the purpose of the old certificate
   */
  readonly as?: CertificateKind;
}

/** A renewed certificate. */
export interface RenewedCertificate extends DevCertificate {
  /** The NAME of its files. */
  readonly name: string;
  /** `NAME-crt.pem` in the folder. */
  readonly certFile: string;
  /** `undefined` if the key is elsewhere, because the certificate was issued for a request. */
  readonly keyFile: string | undefined;
  /** The replaced certificate. */
  readonly previous: DevCertificate;
  /** The replaced certificate's new location: `old/NAME-SERIAL-crt.pem` in the folder. */
  readonly oldCertFile: string;
  /** The replaced key's new location; `undefined` if the key was kept. */
  readonly oldKeyFile: string | undefined;
  /** The CRL that revokes the old certificate; `undefined` if that was not requested. */
  readonly crl: CrlFile | undefined;
}

/**
 * Renews a certificate with the same kind, and the same subject and subjectAltName, octet for octet.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID` if there is no such certificate, if it is revoked, or if a new key is
 *   requested and the old one is elsewhere; `ERR_MTLS_PEM_INVALID`, `ERR_MTLS_KEY_MISMATCH`
 */
export async function renewCertificate(
  authority: Authority,
  name: string,
  options: RenewOptions,
): Promise<RenewedCertificate> {
  const files = pairFiles(authority, name);
  const pair = await readPair(authority, files);
  if (pair === undefined)
    throw refusal(files.certFile, 'is missing', 'issue it, or show the names with list');
  const { certificate, privateKey } = pair;
  const kind = kindOfNew(certificate, files.certFile, options.as);
  const rows = await readRows(authority);
  const previous = describeCertificate(certificate, name, rows);
  if (previous.revokedAt !== undefined) {
    throw refusal(
      files.certFile,
      `was revoked at ${previous.revokedAt.toISOString()}; a renewal would admit it again`,
      'if that is intended, remove its files and issue it again',
    );
  }
  if (options.key === 'new' && privateKey === undefined) {
    throw refusal(
      files.keyFile,
      'is missing: the key is elsewhere',
      'create a new request there and sign it',
    );
  }
  const keys = options.key === 'new' ? await createKeyPair(algorithmOf(certificate.publicKey)) : undefined;
  const publicKey = keys?.publicKey ?? certificate.publicKey;
  const pem = await signAndRecord(authority, { kind, names: certificate, publicKey, days: options.days });
  const kept = await keepOld(authority, previous.serialNumber, name, keys === undefined ? 'cert' : 'pair');
  if (keys === undefined) await replaceFile(files.certFile, pem);
  else await replacePair(files, pem, formatPrivateKey(keys.privateKey));
  const revocation =
    options.old === 'revoke'
      ? await revokeCertificate(authority, previous.serialNumber, { reason: 'superseded' })
      : undefined;
  return {
    ...describeCertificate(new X509Certificate(pem), name, await readRows(authority)),
    name,
    certFile: files.certFile,
    keyFile: privateKey === undefined ? undefined : files.keyFile,
    previous: revocation?.certificate ?? { ...previous, name: undefined, formerName: name },
    ...kept,
    crl: revocation?.outcome === 'revoked' ? revocation.crl : undefined,
  };
}

function kindOfNew(
  certificate: X509Certificate,
  file: string,
  said: CertificateKind | undefined,
): CertificateKind {
  if (certificate.ca) {
    throw refusal(file, 'is the certificate of a CA', 'create another CA under another name');
  }
  const kind = kindOf(certificate);
  if (kind !== undefined && said !== undefined && kind !== said) {
    throw refusal(
      file,
      `is for a ${kind}, which cannot be changed`,
      `issue one for a ${said} under another name`,
    );
  }
  const chosen = kind ?? said;
  if (chosen !== undefined) return chosen;
  throw refusal(
    file,
    'does not state whether it is for a client or a server, or states both',
    'choose one with as (--as client or --as server)',
  );
}

/** Copies what will be replaced, so that nothing is lost if a later step fails. */
async function keepOld(
  authority: Authority,
  serialNumber: string,
  name: string,
  what: 'cert' | 'pair',
): Promise<Pick<RenewedCertificate, 'oldCertFile' | 'oldKeyFile'>> {
  const { certFile, keyFile } = pairFiles(authority, name);
  const directory = oldDirectory(authority);
  const oldCertFile = path.join(directory, `${name}-${serialNumber}-crt.pem`);
  const oldKeyFile = path.join(directory, `${name}-${serialNumber}-key.pem`);
  await makeFolder(directory);
  // Replaces the copy of an earlier attempt, which is the same certificate by its serial number.
  await replaceFile(oldCertFile, await readBounded(certFile));
  if (what === 'cert') return { oldCertFile, oldKeyFile: undefined };
  await replaceFile(oldKeyFile, await readBounded(keyFile), 'secret');
  return { oldCertFile, oldKeyFile };
}

function refusal(file: string, fault: string, remedy: string): MtlsError {
  return new MtlsError('ERR_MTLS_OPTION_INVALID', { seen: `${file} ${fault}`, remedy });
}
