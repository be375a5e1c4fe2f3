/**
 * What files hold, in whatever form: PEM or DER, one thing or many.
 *
 * @module
 */
import { MtlsError } from '../../errors.js';
import { type Certificate, parseCertificate } from '../../x509/certificate.js';
import { type Crl, parseCrl } from '../../x509/crl.js';
import { parsePem } from '../../x509/pem.js';
import { type CertificateRequest, parseCertificateRequest } from './certificate-request.js';
import { type DerKind, kindOfDer } from './der-kind.js';
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

/** One thing that was found. */
export type Found = Thing & {
  /** The file, and where it holds several things, the place in it. */
  readonly origin: string;
};

type Thing = (
  | { readonly kind: 'certificate'; readonly certificate: Certificate }
  | { readonly kind: 'crl'; readonly crl: Crl }
  | { readonly kind: 'request'; readonly request: CertificateRequest }
  | { readonly kind: 'private-key'; readonly key: PrivateKey }
  | { readonly kind: 'public-key'; readonly publicKey: PublicKey }
  | { readonly kind: 'pkcs12'; readonly pkcs12: Pkcs12 }
  | { readonly kind: 'unknown'; readonly pemLabel: string }
) & {
  /** The name it has in a PKCS#12 file. */
  readonly friendlyName?: string | undefined;
};

/**
 * Reads everything in a file.
 * @param password - Opens PKCS#12 files and encrypted keys.
 * @throws MtlsError what is wrong with it, beginning with the file's name.
 */
export function readMaterial(bytes: Buffer, file: string, password: string | undefined): Found[] {
  const secret: Secret = { password, budget: new Budget() };
  const things = naming(file, () => {
    const kind = kindOfDer(bytes);
    // A text may begin with the sign that begins DER, a zero.
    const isText = kind === undefined && (bytes[0] !== 0x30 || bytes.includes('-----BEGIN'));
    return isText ? readPem(bytes, file, secret) : readDer(bytes, kind, secret);
  });
  const isSeveral = things.filter(({ kind }) => kind !== 'pkcs12').length > 1;
  let number = 0;
  return things.map((thing) => {
    if (thing.kind === 'pkcs12') return { ...thing, origin: file };
    number++;
    return { ...thing, origin: isSeveral ? `${file}, number ${number}` : file };
  });
}

const kindOfLabel: Readonly<Record<string, DerKind | undefined>> = {
  CERTIFICATE: 'certificate',
  'X509 CERTIFICATE': 'certificate',
  'X509 CRL': 'crl',
  'CERTIFICATE REQUEST': 'request',
  'NEW CERTIFICATE REQUEST': 'request',
  'PRIVATE KEY': 'pkcs8',
  'ENCRYPTED PRIVATE KEY': 'encrypted-pkcs8',
  'RSA PRIVATE KEY': 'pkcs1',
  'EC PRIVATE KEY': 'sec1',
  'PUBLIC KEY': 'spki',
  PKCS7: 'pkcs7',
  PKCS12: 'pkcs12',
};

function readPem(bytes: Buffer, file: string, secret: Secret): Thing[] {
  const { keys, rest } = cutOldEncryptedKeys(bytes);
  const things: Thing[] = keys.map((pem) => ({
    kind: 'private-key',
    key: readOldEncryptedKey(pem, secret.password),
  }));
  if (keys.length > 0 && !rest.includes('-----')) return things;
  // "EC PARAMETERS" say what the key that follows says again.
  const blocks = parsePem(rest, file).filter(({ label }) => label !== 'EC PARAMETERS');
  for (const [index, { label, der }] of blocks.entries()) {
    const kind = Object.hasOwn(kindOfLabel, label) ? kindOfLabel[label] : undefined;
    if (label === 'RSA PUBLIC KEY')
      things.push({ kind: 'public-key', publicKey: readPublicKey(der, 'pkcs1') });
    else if (kind === undefined) things.push({ kind: 'unknown', pemLabel: label });
    else if (blocks.length === 1) things.push(...readDer(der, kind, secret));
    else things.push(...naming(`number ${index + 1} of ${blocks.length}`, () => readDer(der, kind, secret)));
  }
  return things;
}

// parsePem takes no headers within a block. A file of keys is short.
const longestKeyFile = 100_000;

function cutOldEncryptedKeys(bytes: Buffer): { readonly keys: readonly string[]; readonly rest: Buffer } {
  if (bytes.length > longestKeyFile) return { keys: [], rest: bytes };
  const keys: string[] = [];
  const block =
    /-----BEGIN ([A-Z]{2,3}) PRIVATE KEY-----\r?\nProc-Type: 4,ENCRYPTED[^]*?-----END \1 PRIVATE KEY-----/g;
  const rest = bytes.toString('latin1').replace(block, (pem) => {
    keys.push(pem);
    return '';
  });
  return { keys, rest: keys.length > 0 ? Buffer.from(rest, 'latin1') : bytes };
}

function readDer(der: Buffer, kind: DerKind | undefined, secret: Secret): Thing[] {
  switch (kind) {
    case 'certificate':
      return [{ kind, certificate: parseCertificate(der) }];
    case 'crl':
      return [{ kind, crl: parseCrl(der) }];
    case 'request':
      return [{ kind, request: parseCertificateRequest(der) }];
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
      throw new MtlsError(
        'ERR_MTLS_PEM_INVALID',
        'it is PKCS#7, which is not read here; "openssl pkcs7 -print_certs -in FILE -out certs.pem" writes its certificates as PEM (with -inform DER, if it is no text)',
      );
    case undefined:
      throw new MtlsError(
        'ERR_MTLS_PEM_INVALID',
        'it is neither PEM nor DER of a certificate, a CRL, a request, a key or PKCS#12; is it the right file, and whole?',
      );
  }
}

function readPkcs12(der: Buffer, secret: Secret): Thing[] {
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

/** Names the file, or the server, in an error about its bytes. */
export function naming<Value>(file: string, read: () => Value): Value {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof MtlsError) || error.message.startsWith(`${file}: `)) throw error;
    throw new MtlsError(error.code, `${file}: ${error.message}`, { cause: error.cause });
  }
}
