/**
 * The certificate and the key of a CA that was made elsewhere, and whether the
 * two can go on as they are.
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

/** A CA's certificate and key. */
export interface ForeignAuthority {
  /** As it was found: what the CA has issued is known by it. */
  readonly found: ForeignCertificate;
  /** PEM: the one found, or the one made in its place. */
  readonly certificatePem: string;
  readonly outcome: 'kept' | 'remade';
  /** As it was found, encrypted or not. */
  readonly keyPem: string;
}

/** What to do with a CA. */
export interface ForeignAuthorityOptions {
  readonly passphrase: string | undefined;
  /** Whether a new CA certificate is made, for the same name and key. */
  readonly caCertificate: 'keep' | 'remake';
  /** The clock, in milliseconds since 1970. */
  readonly now: () => number;
}

/**
 * Reads the pair, and makes the certificate anew where that is asked for.
 * @param material - What else lies there.
 * @throws MtlsError `ERR_MTLS_CA_FOLDER_INVALID` where the certificate cannot go on as it is; `ERR_MTLS_PEM_INVALID`,
 * `ERR_MTLS_KEY_MISMATCH`
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
      remedy: 'tell which belong together with --ca and --key',
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

/** Whether the key of a CA was found encrypted. */
export function hasEncryptedKey({ keyPem }: ForeignAuthority): boolean {
  return isEncryptedKey(keyPem);
}

function checkCa(found: ForeignCertificate, at: Date): void {
  const faults = faultsOfCa(found, at);
  if (faults.length === 0) return;
  const remedy = isSelfIssued(found.content)
    ? 'add --remake-ca: it makes a CA certificate for the same name and key, so that what the CA has issued still holds'
    : 'have the CA above it issue a certificate for the same name and key, and tell it with --ca';
  throw new MtlsError('ERR_MTLS_CA_FOLDER_INVALID', {
    seen: `${found.file} ${faults.join(', and ')}, so that no certificate can be issued by it`,
    remedy,
  });
}

function faultsOfCa({ certificate, content }: ForeignCertificate, at: Date): string[] {
  const { version, keyUsage, notAfter } = content;
  const signs = KeyUsage.keyCertSign | KeyUsage.crlSign;
  return [
    version < 3 ? `is of X.509 version ${version} and cannot say that it is a CA` : '',
    version === 3 && !certificate.ca ? 'does not say basicConstraints CA:TRUE' : '',
    keyUsage !== undefined && (keyUsage & signs) !== signs
      ? 'may not sign certificates and CRLs by its keyUsage'
      : '',
    notAfter <= at ? `expired at ${notAfter.toISOString()}` : '',
  ].filter((fault) => fault !== '');
}

/** Keeps name, key, key identifier and serial number: by each of them a certificate may point at its issuer. */
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
      remedy: 'only that one can make it anew: leave --remake-ca out, or import that CA',
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

/** A CA without an identifier may have issued certificates that name one nonetheless. */
function keyIdOf(found: ForeignCertificate, { certificates }: ForeignMaterial): string | undefined {
  const issued = certificates.filter(({ certificate }) => isIssuedBy(certificate, found));
  return (
    found.content.subjectKeyId ?? issued.find(({ content }) => content.authorityKeyId)?.content.authorityKeyId
  );
}

function nothingIn(file: string, what: string): MtlsError {
  return new MtlsError('ERR_MTLS_PEM_INVALID', { seen: `${file} holds no ${what}`, expected: 'one in PEM' });
}
