/**
 * Reads the contents of files in any form: PEM or DER, one item or many.
 *
 * @module
 */
import { locating, MtlsError } from '../../errors.js';
import { type Certificate, parseCertificate } from '../../x509/certificate.js';
import type { CertificateRequest } from '../../x509/certificate-request.js';
import { type Crl, parseCrl } from '../../x509/crl.js';
import { type DerKind, kindOfDer, kindOfLabel } from '../../x509/der-kind.js';
import { formatPem, parsePem, type PemBlock, trimDer } from '../../x509/pem.js';
import { readTrustedCertificate, type TrustedCertificate } from '../../x509/trusted-certificate.js';
import { Budget, type Secret } from './password-encryption.js';
import { openPkcs12, type Pkcs12 } from './pkcs12.js';
import {
  type PrivateKey,
  type PublicKey,
  readEncryptedKey,
  readOldEncryptedKey,
  readPrivateKey,
  readPublicKey,
} from './private-key.js';

/** One item. */
export type Found = Thing & {
  /** The file and, if it has several items, the position in it. */
  readonly origin: string;
};

type Thing = (
  | {
      readonly kind: 'certificate';
      readonly certificate: Certificate;
      /** The trust settings of a TRUSTED CERTIFICATE. */
      readonly trust?: TrustedCertificate;
    }
  | { readonly kind: 'crl'; readonly crl: Crl }
  | { readonly kind: 'request'; readonly request: CertificateRequest }
  | { readonly kind: 'private-key'; readonly key: PrivateKey }
  | { readonly kind: 'public-key'; readonly publicKey: PublicKey }
  | { readonly kind: 'pkcs12'; readonly pkcs12: Pkcs12 }
  | { readonly kind: 'unknown'; readonly pemLabel: string }
) & {
  /** Its name in a PKCS#12 file. */
  readonly friendlyName?: string | undefined;
};

/** A request stays DER at first, because its parser is loaded on demand. */
type Read = Thing | { readonly kind: 'request-der'; readonly der: Buffer };

/**
 * Reads everything in a file.
 * @param password - For PKCS#12 files and encrypted keys.
 * @throws MtlsError the fault, starting with the file name.
 */
export async function readMaterial(
  bytes: Buffer,
  file: string,
  password: string | undefined,
): Promise<Found[]> {
  const secret: Secret = { password, budget: new Budget() };
  const things = locating(file, () => {
    const der = trimDer(bytes);
    const kind = kindOfDer(der);
    // Text can begin with the same byte as DER, a zero.
    const isText = kind === undefined && (bytes[0] !== 0x30 || bytes.includes('-----BEGIN'));
    return isText ? readPem(bytes, file, secret) : readDer(der, kind, secret);
  });
  const isSeveral = things.filter(({ kind }) => kind !== 'pkcs12').length > 1;
  let number = 0;
  const located = things.map((thing) => {
    if (thing.kind === 'pkcs12') return { ...thing, origin: file };
    number++;
    return { ...thing, origin: isSeveral ? `${file}, number ${number}` : file };
  });
  return Promise.all(
    located.map(async (thing) =>
      thing.kind === 'request-der' ? readRequest(thing.der, thing.origin) : thing,
    ),
  );
}

async function readRequest(der: Buffer, origin: string): Promise<Found> {
  const { parseCertificateRequest } = await import('../../x509/certificate-request.js');
  return { kind: 'request', request: locating(origin, () => parseCertificateRequest(der)), origin };
}

function readPem(bytes: Buffer, file: string, secret: Secret): Read[] {
  // "EC PARAMETERS" are repeated in the key that follows.
  const blocks = parsePem(bytes, file).filter(({ label }) => label !== 'EC PARAMETERS');
  return blocks.flatMap((block, index) =>
    blocks.length === 1
      ? readBlock(block, secret)
      : locating(`number ${index + 1} of ${blocks.length}`, () => readBlock(block, secret)),
  );
}

function readBlock(block: PemBlock, secret: Secret): Read[] {
  const { label, der, headers } = block;
  const kind = kindOfLabel(label);
  if (headers?.includes('ENCRYPTED') === true)
    return [{ kind: 'private-key', key: readOldEncryptedKey(formatPem(block), secret.password) }];
  if (label === 'TRUSTED CERTIFICATE') {
    const trust = readTrustedCertificate(der);
    return [{ kind: 'certificate', certificate: parseCertificate(trust.certificate), trust }];
  }
  if (label === 'RSA PUBLIC KEY') return [{ kind: 'public-key', publicKey: readPublicKey(der, 'pkcs1') }];
  return kind === undefined ? [{ kind: 'unknown', pemLabel: label }] : readDer(der, kind, secret);
}

function readDer(der: Buffer, kind: DerKind | undefined, secret: Secret): Read[] {
  switch (kind) {
    case 'certificate':
      return [{ kind, certificate: parseCertificate(der) }];
    case 'crl':
      return [{ kind, crl: parseCrl(der) }];
    case 'request':
      return [{ kind: 'request-der', der }];
    case 'pkcs8':
    case 'pkcs1':
    case 'sec1':
      return [{ kind: 'private-key', key: readPrivateKey(der, kind) }];
    case 'encrypted-pkcs8':
      return [{ kind: 'private-key', key: readEncryptedKey(der, secret) }];
    case 'spki':
      return [{ kind: 'public-key', publicKey: readPublicKey(der, kind) }];
    case 'pkcs12':
      return readPkcs12(der, secret);
    case 'pkcs7':
      throw new MtlsError('ERR_MTLS_PEM_INVALID', {
        seen: 'it is PKCS#7, which is not supported',
        remedy:
          '"openssl pkcs7 -print_certs -in FILE -out certs.pem" writes its certificates as PEM (add -inform DER for a binary file)',
      });
    case undefined:
      throw new MtlsError('ERR_MTLS_PEM_INVALID', {
        seen: 'it is neither PEM nor DER of a certificate, a CRL, a request, a key or PKCS#12',
        remedy: 'check that it is the right file and complete',
      });
  }
}

function readPkcs12(der: Buffer, secret: Secret): Read[] {
  const pkcs12 = openPkcs12(der, secret);
  const bags = pkcs12.bags.flatMap(({ kind, der: bag, friendlyName }) =>
    readDer(bag, kind === 'private-key' ? 'pkcs8' : kind, { ...secret, password: undefined }).map(
      (thing) => ({
        ...thing,
        friendlyName,
      }),
    ),
  );
  return [{ kind: 'pkcs12', pkcs12 }, ...bags];
}
