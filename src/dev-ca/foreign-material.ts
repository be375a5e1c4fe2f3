/**
 * The certificates, keys and CRLs in the files of a CA created elsewhere, in PEM or DER, including old forms of keys.
 *
 * @module
 */
import { createPublicKey, X509Certificate, type KeyObject } from 'node:crypto';
import { MtlsError } from '../errors.js';
import { parseCertificate, type Certificate } from '../x509/certificate.js';
import { parseCrl, type Crl } from '../x509/crl.js';
import { isDer } from '../x509/pem.js';
import { readBounded } from './bounded-file.js';
import { isEncryptedKey, parsePrivateKey } from './keys.js';

/** A certificate and the file it was found in. */
export interface ForeignCertificate {
  readonly file: string;
  readonly certificate: X509Certificate;
  /** The certificate parsed by this package. */
  readonly content: Certificate;
}

/** A private key and the file it was found in. */
export interface ForeignKey {
  readonly file: string;
  readonly pem: string;
  /** `undefined` if the key is encrypted. */
  readonly publicKey: KeyObject | undefined;
}

/** The contents of a folder. */
export interface ForeignMaterial {
  readonly certificates: readonly ForeignCertificate[];
  readonly keys: readonly ForeignKey[];
  readonly crls: readonly { readonly file: string; readonly crl: Crl }[];
  /** Files with a block that cannot be parsed, and why. */
  readonly unreadable: readonly { readonly file: string; readonly error: MtlsError }[];
}

/** Reads every file. An unreadable one is reported, and the others are still read. */
export async function readForeignMaterial(files: readonly string[]): Promise<ForeignMaterial> {
  const found = { certificates: [] as ForeignCertificate[], keys: [] as ForeignKey[] };
  const crls: { file: string; crl: Crl }[] = [];
  const unreadable: { file: string; error: MtlsError }[] = [];
  for (const file of files) {
    for (const { label, text, der } of splitBlocks(await readBounded(file))) {
      try {
        if (label === 'X509 CRL') crls.push({ file, crl: parseCrl(der) });
        else if (label.endsWith('PRIVATE KEY')) found.keys.push(readKey(file, text));
        else if (/^(?:X509 )?CERTIFICATE$/.test(label)) found.certificates.push(readCertificate(file, der));
      } catch (error) {
        if (error instanceof MtlsError) unreadable.push({ file, error });
        else unreadable.push({ file, error: unreadableBlock(file, label, error) });
      }
    }
  }
  return { ...found, crls, unreadable };
}

interface Block {
  readonly label: string;
  readonly text: string;
  readonly der: Buffer;
}

// Not the strict parser of src/x509: old encrypted keys have headers, and `openssl ca` writes text before a block.
function splitBlocks(bytes: Buffer): Block[] {
  if (isDer(bytes)) return [{ label: isDerCrl(bytes) ? 'X509 CRL' : 'CERTIFICATE', text: '', der: bytes }];
  const blocks = bytes
    .toString('latin1')
    .matchAll(/^-----BEGIN ([A-Z0-9 ]+)-----[ \t]*\r?\n([^-]*(?:-(?!----)[^-]*)*)-----END \1-----/gm);
  return Array.from(blocks, ([text, label = '', body = '']) => ({
    label,
    text: `${text.replaceAll('\r', '')}\n`,
    der: Buffer.from(body, 'base64'),
  }));
}

function isDerCrl(bytes: Buffer): boolean {
  try {
    parseCrl(bytes);
    return true;
  } catch {
    return false;
  }
}

function readKey(file: string, pem: string): ForeignKey {
  const publicKey = isEncryptedKey(pem) ? undefined : createPublicKey(parsePrivateKey(pem, file));
  return { file, pem, publicKey };
}

function readCertificate(file: string, der: Buffer): ForeignCertificate {
  return { file, certificate: new X509Certificate(der), content: parseCertificate(der) };
}

function unreadableBlock(file: string, label: string, cause: unknown): MtlsError {
  return new MtlsError(
    'ERR_MTLS_PEM_INVALID',
    { seen: `${file} has a block "${label}" that cannot be parsed`, remedy: 'restore it' },
    {
      cause,
    },
  );
}
