/**
 * The certificate and key of a CA created elsewhere, and whether they can be used unchanged.
 *
 * @module
 */
import type { KeyObject } from 'node:crypto';
import { MtlsError } from '../errors.js';
import { KeyUsage } from '../x509/certificate-extensions.js';
import { isSelfIssued } from '../x509/issuance.js';
import { isIssuedBy } from './authority.js';
import type { ForeignCa } from './foreign-folder.js';
import { readForeignMaterial, type ForeignCertificate, type ForeignMaterial } from './foreign-material.js';
import { isEncryptedKey, parsePrivateKey } from './keys.js';
import { signCertificate } from './signing.js';
import { validityFrom } from './validity.js';

/** The certificate and key of a CA. */
export interface ForeignAuthority {
  /** The certificate as found, by which issued certificates refer to the CA. */
  readonly found: ForeignCertificate;
  /** PEM of the certificate as found, or of its replacement. */
  readonly certificatePem: string;
  readonly outcome: 'kept' | 'remade';
  /** The key as found, encrypted or not. */
  readonly keyPem: string;
}

/** How to import a CA. */
export interface ForeignAuthorityOptions {
  readonly passphrase: string | undefined;
  /** Whether to create a new CA certificate with the same name and key. */
  readonly caCertificate: 'keep' | 'remake';
  /** The clock, in milliseconds since 1970. */
  readonly now: () => number;
}

/**
 * Reads the pair, and creates a new certificate on request.
 * @param material - The other contents of the folder.
 * @throws MtlsError `ERR_MTLS_CA_FOLDER_INVALID` if the certificate cannot be used unchanged; `ERR_MTLS_PEM_INVALID`,
 *   `ERR_MTLS_KEY_MISMATCH`
 */
export async function readForeignAuthority(
  foreign: ForeignCa,
  material: ForeignMaterial,
  { passphrase, caCertificate, now }: ForeignAuthorityOptions,
): Promise<ForeignAuthority> {
  const { keys, unreadable: badKeys } = await readForeignMaterial([foreign.key]);
  const [key] = keys;
  if (key === undefined) throw badKeys[0]?.error ?? nothingIn(foreign.key, 'private key');
  const privateKey = parsePrivateKey(key.pem, foreign.key, passphrase);
  const { certificates, unreadable } = await readForeignMaterial([foreign.certificate]);
  if (certificates.length === 0) throw unreadable[0]?.error ?? nothingIn(foreign.certificate, 'certificate');
  const found = certificates.find(({ certificate }) => certificate.checkPrivateKey(privateKey));
  if (found === undefined) {
    throw new MtlsError('ERR_MTLS_KEY_MISMATCH', {
      seen: `${foreign.key} is not the key of ${foreign.certificate}`,
      remedy: 'select a matching pair with --ca and --key',
    });
  }
  const keyPem = key.pem;
  if (caCertificate === 'remake') {
    const certificatePem = await remake(found, material, privateKey, now());
    return { found, certificatePem, outcome: 'remade', keyPem };
  }
  checkCa(found, new Date(now()));
  return { found, certificatePem: found.certificate.toString(), outcome: 'kept', keyPem };
}

/** Whether the CA key was encrypted. */
export function hasEncryptedKey({ keyPem }: ForeignAuthority): boolean {
  return isEncryptedKey(keyPem);
}

function checkCa(found: ForeignCertificate, at: Date): void {
  const faults = faultsOfCa(found, at);
  if (faults.length === 0) return;
  const remedy = isSelfIssued(found.content)
    ? 'add --remake-ca, which creates a CA certificate with the same name and key, so that issued certificates stay valid'
    : 'have the CA above it issue a certificate with the same name and key, and select it with --ca';
  throw new MtlsError('ERR_MTLS_CA_FOLDER_INVALID', {
    seen: `${found.file} ${faults.join(', and ')}, so it cannot issue certificates`,
    remedy,
  });
}

function faultsOfCa({ certificate, content }: ForeignCertificate, at: Date): string[] {
  const { version, keyUsage, notAfter } = content;
  const signs = KeyUsage.keyCertSign | KeyUsage.crlSign;
  return [
    version < 3 ? `is of X.509 version ${version}, which cannot mark it as a CA` : '',
    version === 3 && !certificate.ca ? 'lacks basicConstraints CA:TRUE' : '',
    keyUsage !== undefined && (keyUsage & signs) !== signs
      ? 'may not sign certificates and CRLs by its keyUsage'
      : '',
    notAfter <= at ? `expired at ${notAfter.toISOString()}` : '',
  ].filter((fault) => fault !== '');
}

/** Keeps the name, key, key identifier and serial number: a certificate can refer to its issuer by any of them. */
async function remake(
  found: ForeignCertificate,
  material: ForeignMaterial,
  privateKey: KeyObject,
  nowMs: number,
): Promise<string> {
  const { certificate, content, file } = found;
  if (!isSelfIssued(content)) {
    throw new MtlsError('ERR_MTLS_CA_FOLDER_INVALID', {
      seen: `${file} was issued by another CA, "${content.issuer.describe()}"`,
      remedy: 'only that CA can reissue it: omit --remake-ca, or import that CA',
    });
  }
  const { serialNumber, publicKey } = certificate;
  return await signCertificate(
    {
      profile: 'ca',
      names: certificate,
      serialNumber,
      publicKey,
      keyId: keyIdOf(found, material),
      ...validityFrom(nowMs, 3650),
    },
    { privateKey },
  );
}

/** A CA without a key identifier may have issued certificates that name one. */
function keyIdOf(found: ForeignCertificate, { certificates }: ForeignMaterial): string | undefined {
  const issued = certificates.filter(({ certificate }) => isIssuedBy(certificate, found));
  return (
    found.content.subjectKeyId ?? issued.find(({ content }) => content.authorityKeyId)?.content.authorityKeyId
  );
}

function nothingIn(file: string, what: string): MtlsError {
  return new MtlsError('ERR_MTLS_PEM_INVALID', { seen: `${file} holds no ${what}`, expected: 'one in PEM' });
}
