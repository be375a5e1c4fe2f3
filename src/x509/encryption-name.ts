/**
 * The names of password-based encryption algorithms.
 *
 * @module
 */
import { MtlsError } from '../errors.js';
import { DerReader, Tag } from './der.js';

const names: Readonly<Record<string, string | undefined>> = {
  '1.2.840.113549.1.5.1': 'PBE-MD2-DES',
  '1.2.840.113549.1.5.3': 'PBE-MD5-DES',
  '1.2.840.113549.1.5.4': 'PBE-MD2-RC2-64',
  '1.2.840.113549.1.5.6': 'PBE-MD5-RC2-64',
  '1.2.840.113549.1.5.10': 'PBE-SHA1-DES',
  '1.2.840.113549.1.5.11': 'PBE-SHA1-RC2-64',
  '1.2.840.113549.1.12.1.1': '128-bit RC4',
  '1.2.840.113549.1.12.1.2': '40-bit RC4',
  '1.2.840.113549.1.12.1.4': 'two-key Triple DES',
  '1.2.840.113549.1.12.1.5': '128-bit RC2',
  '1.2.840.113549.1.12.1.6': '40-bit RC2',
  '1.2.840.113549.3.2': 'RC2-CBC',
  '1.2.840.113549.3.4': 'RC4',
  '1.3.14.3.2.7': 'DES-CBC',
};

/**
 * The name of an algorithm or a cipher that OpenSSL 3 does not support by default; for others, the object identifier.
 */
export function nameEncryption(oid: string): string {
  return names[oid] ?? `the algorithm ${oid.slice(0, 100)}`;
}

const pbes2 = '1.2.840.113549.1.5.13';

/** The encryption of a private key in DER (RFC 5958 section 3); `undefined` if it cannot be parsed. */
export function encryptionOf(der: Buffer): string | undefined {
  try {
    const info = new DerReader(der, { code: 'ERR_MTLS_PEM_INVALID', noun: 'key' }).enter(Tag.sequence);
    const algorithm = info.enter(Tag.sequence);
    const oid = algorithm.oid();
    if (oid !== pbes2) return nameEncryption(oid);
    // RFC 8018 appendix A.4: the key derivation, then the cipher.
    const parameters = algorithm.enter(Tag.sequence);
    parameters.next(Tag.sequence);
    return nameEncryption(parameters.enter(Tag.sequence).oid());
  } catch (error) {
    if (error instanceof MtlsError) return undefined;
    throw error;
  }
}
