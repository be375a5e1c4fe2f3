/**
 * A new certificate in place of an old one. A server that watches both files
 * keeps the old pair while key and certificate do not belong together.
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

/** How a certificate is renewed. */
export interface RenewOptions {
  /**
   * Days until the new one expires, at the latest with the CA.
   * @defaultValue `365`; above 0, at most 36_500, parts of a day allowed
   */
  readonly days?: number;
  /**
   * Whether the key stays. A new one is of RSA 4096 where the old one is RSA, else on P-256.
   * @defaultValue `'keep'`
   */
  readonly key?: 'keep' | 'new';
  /**
   * What becomes of the old certificate: it stays good until it expires, or it is revoked as `superseded`.
   * @defaultValue `'keep'`
   */
  readonly old?: 'keep' | 'revoke';
  /**
   * Whom the new one is for, where the old one says neither or both, as an imported one may. Of another it cannot
   * change that.
   * @defaultValue what the old one says
   */
  readonly as?: CertificateKind;
}

/** A certificate that took another one's place. */
export interface RenewedCertificate extends DevCertificate {
  /** The NAME of its files. */
  readonly name: string;
  /** `NAME-crt.pem` in the folder. */
  readonly certFile: string;
  /** `undefined` where the key is elsewhere, since the certificate was made of a request. */
  readonly keyFile: string | undefined;
  /** The one that it replaced. */
  readonly previous: DevCertificate;
  /** Where that is now: `old/NAME-SERIAL-crt.pem` in the folder. */
  readonly oldCertFile: string;
  /** Where the key before is now; `undefined` where it stayed. */
  readonly oldKeyFile: string | undefined;
  /** The CRL that revokes the old one; `undefined` where that was not asked for. */
  readonly crl: CrlFile | undefined;
}

/**
 * Renews a certificate: the same kind, and the same subject and subjectAltName, octet for octet.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID` where there is none, where it is revoked, or where a new key is asked for
 * and the old one is elsewhere; `ERR_MTLS_PEM_INVALID`, `ERR_MTLS_KEY_MISMATCH`
 */
export async function renewCertificate(
  authority: Authority,
  name: string,
  options: RenewOptions,
): Promise<RenewedCertificate> {
  const files = pairFiles(authority, name);
  const pair = await readPair(authority, files);
  if (pair === undefined) throw refusal(files.certFile, 'is missing', 'issue it, or see the names with list');
  const { certificate, privateKey } = pair;
  const kind = kindOfNew(certificate, files.certFile, options.as);
  const rows = await readRows(authority);
  const previous = describeCertificate(certificate, name, rows);
  if (previous.revokedAt !== undefined) {
    throw refusal(
      files.certFile,
      `was revoked at ${previous.revokedAt.toISOString()}, and a renewal would let it in again`,
      'if that is meant, remove its files and issue it anew',
    );
  }
  if (options.key === 'new' && privateKey === undefined) {
    throw refusal(
      files.keyFile,
      'is missing: the key is elsewhere',
      'have a new request made there and sign it',
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
    throw refusal(file, 'is the certificate of a CA', 'make another CA, under another name');
  }
  const kind = kindOf(certificate);
  if (kind !== undefined && said !== undefined && kind !== said) {
    throw refusal(file, `is for a ${kind}, and stays so`, `issue one for a ${said} under another name`);
  }
  const chosen = kind ?? said;
  if (chosen !== undefined) return chosen;
  throw refusal(
    file,
    'does not say whether it is for a client or a server, or says both',
    'say which with as (--as client or --as server)',
  );
}

/** Copies what is to be replaced, so that nothing is lost if the rest fails. */
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
  // In place of what an earlier attempt left: the same certificate, as the serial number says.
  await replaceFile(oldCertFile, await readBounded(certFile));
  if (what === 'cert') return { oldCertFile, oldKeyFile: undefined };
  await replaceFile(oldKeyFile, await readBounded(keyFile), 'secret');
  return { oldCertFile, oldKeyFile };
}

function refusal(file: string, fault: string, remedy: string): MtlsError {
  return new MtlsError('ERR_MTLS_OPTION_INVALID', { seen: `${file} ${fault}`, remedy });
}
