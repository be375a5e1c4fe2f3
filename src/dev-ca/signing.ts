/**
 * Signs certificates and CRLs with SHA-256, as PEM. Only this file uses the X.509 library; its interface has Node's
 * own types.
 *
 * @module
 */
import { randomBytes, webcrypto, type KeyObject, type X509Certificate } from 'node:crypto';
import type * as X509 from '@peculiar/x509';
import { MtlsError } from '../errors.js';
import { encodeCrl, type CrlTemplate } from './crl-encoding.js';
import type { AltNames, CertificateNames, Subject } from './subject.js';
import type { Validity } from './validity.js';

let x509: typeof X509;

/** Loads the library on first use, so that printing help is not delayed. */
async function loadLibrary(): Promise<void> {
  await import('reflect-metadata');
  x509 = await import('@peculiar/x509');
}

/** What a certificate is for. Determines its extensions. */
export type Profile = 'ca' | 'server' | 'client';

/** A certificate to sign. */
export interface CertificateTemplate extends Validity {
  readonly profile: Profile;
  /** The names, or a certificate whose subject and subjectAltName are copied octet for octet. */
  readonly names: CertificateNames | X509Certificate;
  /**
   * How many CAs can be below this one.
   * @defaultValue `1`; only for a CA
   */
  readonly pathLength?: number;
  /** Hexadecimal, see {@link createSerialNumber}. */
  readonly serialNumber: string;
  readonly publicKey: KeyObject;
  /**
   * Its subjectKeyIdentifier in hexadecimal, if existing certificates refer to it.
   * @defaultValue the SHA-1 hash of the key (RFC 5280 section 4.2.1.2)
   */
  readonly keyId?: string | undefined;
}

/** The signer: a CA's key with its certificate, or only the key for the CA's own certificate. */
export interface Signer {
  readonly privateKey: KeyObject;
  readonly certificate?: X509Certificate;
}

const subjectAltName = '2.5.29.17';

/** Signs an X.509 v3 certificate and returns PEM. */
export async function signCertificate(template: CertificateTemplate, signer: Signer): Promise<string> {
  await loadLibrary();
  const { names } = template;
  const subject = 'raw' in names ? subjectNameOf(names) : nameOf(names.subject);
  const publicKey = new x509.PublicKey(template.publicKey.export({ type: 'spki', format: 'der' }));
  const extensions = [
    ...usageExtensions(template),
    await keyIdExtension(template, publicKey),
    ...('raw' in names ? altNamesOf(names) : altNameExtensions(names.altNames)),
  ];
  if (signer.certificate !== undefined) {
    extensions.push(new x509.AuthorityKeyIdentifierExtension(await keyIdOf(signer.certificate)));
  }
  const certificate = await x509.X509CertificateGenerator.create(
    {
      subject,
      issuer: signer.certificate === undefined ? subject : subjectNameOf(signer.certificate),
      serialNumber: template.serialNumber,
      notBefore: template.notBefore,
      notAfter: template.notAfter,
      publicKey,
      extensions,
      ...(await signingParams(signer.privateKey)),
    },
    crypto(),
  );
  return pemOf('CERTIFICATE', Buffer.from(certificate.rawData));
}

/** Signs a CRL and returns PEM, with the only label that node:tls and OpenSSL read. */
export async function signCrl(template: CrlTemplate, signer: Required<Signer>): Promise<string> {
  await loadLibrary();
  checkSignerKey(signer.privateKey);
  const name = Buffer.from(subjectNameOf(signer.certificate).toArrayBuffer());
  const keyId = Buffer.from(await keyIdOf(signer.certificate), 'hex');
  return pemOf('X509 CRL', encodeCrl(template, { name, keyId, privateKey: signer.privateKey }));
}

/**
 * The nextUpdate of the CRL in `pem`, or `undefined` if it has none.
 * @throws MtlsError `ERR_MTLS_CRL_INVALID` if it cannot be parsed as a CRL
 */
export async function nextUpdateOf(pem: string, file: string): Promise<Date | undefined> {
  await loadLibrary();
  try {
    const der = Buffer.from(/-----BEGIN X509 CRL-----([^-]+)-----END/.exec(pem)?.[1] ?? '', 'base64');
    // Without this, the library fails at about 2,400 entries.
    return new x509.X509Crl(der, { berOptions: { maxNodes: Infinity, maxContentLength: Infinity } })
      .nextUpdate;
  } catch (error) {
    throw new MtlsError(
      'ERR_MTLS_CRL_INVALID',
      {
        seen: `${file} cannot be parsed as a CRL`,
        expected: 'PEM with the label "X509 CRL"',
        remedy: 'remove it; a new one is written when the CA is next opened',
      },
      { cause: error },
    );
  }
}

/**
 * A random serial number in lower-case hexadecimal: 16 octets, positive, first octet never zero (RFC 5280 section
 * 4.1.2.2).
 */
export function createSerialNumber(): string {
  const bytes = randomBytes(16);
  bytes.writeUInt8((bytes.readUInt8(0) & 0x7f) | 0x40, 0);
  return bytes.toString('hex');
}

function usageExtensions({ profile, pathLength = 1 }: CertificateTemplate): X509.Extension[] {
  if (profile === 'ca') {
    return [
      new x509.BasicConstraintsExtension(true, pathLength, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
    ];
  }
  const usage = profile === 'server' ? x509.ExtendedKeyUsage.serverAuth : x509.ExtendedKeyUsage.clientAuth;
  return [
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    new x509.ExtendedKeyUsageExtension([usage]),
  ];
}

async function keyIdExtension(
  { keyId }: CertificateTemplate,
  publicKey: X509.PublicKey,
): Promise<X509.Extension> {
  return keyId === undefined
    ? await x509.SubjectKeyIdentifierExtension.create(publicKey, false, crypto())
    : new x509.SubjectKeyIdentifierExtension(keyId);
}

function altNamesOf(certificate: X509Certificate): X509.Extension[] {
  const extension = new x509.X509Certificate(certificate.raw).getExtension(subjectAltName);
  return extension === null ? [] : [extension];
}

function altNameExtensions(names: AltNames): X509.Extension[] {
  const general: X509.JsonGeneralNames = [
    ...names.dns.map((value) => ({ type: 'dns', value }) as const),
    ...names.ip.map((value) => ({ type: 'ip', value }) as const),
    ...names.email.map((value) => ({ type: 'email', value }) as const),
    ...names.uri.map((value) => ({ type: 'url', value }) as const),
  ];
  // RFC 5280 section 4.2.1.6: where the extension is present, it holds at least one name.
  return general.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(general)];
}

/**
 * RFC 5280 section 4.2.1.1: the authorityKeyIdentifier is the subjectKeyIdentifier of the issuer, however it was
 * derived.
 */
async function keyIdOf(issuer: X509Certificate): Promise<string> {
  const own = new x509.X509Certificate(issuer.raw).getExtension(x509.SubjectKeyIdentifierExtension);
  if (own !== null) return own.keyId;
  const publicKey = new x509.PublicKey(issuer.publicKey.export({ type: 'spki', format: 'der' }));
  return (await x509.SubjectKeyIdentifierExtension.create(publicKey, false, crypto())).keyId;
}

function nameOf(subject: Subject): X509.Name {
  const { organization, organizationalUnits = [], commonName } = subject;
  const attributes: [string, string | undefined][] = [
    ['O', organization],
    ...organizationalUnits.map((unit): [string, string] => ['OU', unit]),
    ['CN', commonName],
  ];
  // The object form, because the library treats "#" and "\" in a plain string as syntax.
  return new x509.Name(
    attributes.flatMap(([type, value]) => (value === undefined ? [] : [{ [type]: [{ utf8String: value }] }])),
  );
}

/** The subject exactly as in the certificate: an issuer name must match it octet for octet. */
function subjectNameOf(certificate: X509Certificate): X509.Name {
  return new x509.X509Certificate(certificate.raw).subjectName;
}

async function signingParams(
  privateKey: KeyObject,
): Promise<{ signingKey: CryptoKey; signingAlgorithm: EcdsaParams }> {
  const pkcs8 = privateKey.export({ type: 'pkcs8', format: 'der' });
  const algorithm = checkSignerKey(privateKey);
  const signingKey = await crypto().subtle.importKey('pkcs8', new Uint8Array(pkcs8), algorithm, false, [
    'sign',
  ]);
  return { signingKey, signingAlgorithm: { name: algorithm.name, hash: 'SHA-256' } };
}

/** The WebCrypto parameters of a key that can sign here. */
function checkSignerKey(key: KeyObject): RsaHashedImportParams | EcKeyImportParams {
  if (key.asymmetricKeyType === 'rsa') return { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
  const curve = { prime256v1: 'P-256', secp384r1: 'P-384', secp521r1: 'P-521' }[
    key.asymmetricKeyDetails?.namedCurve ?? ''
  ];
  if (curve !== undefined) return { name: 'ECDSA', namedCurve: curve };
  throw new MtlsError('ERR_MTLS_CA_FOLDER_INVALID', {
    seen: `the CA key is of type ${String(key.asymmetricKeyType)}`,
    expected: 'RSA, or EC on P-256, P-384 or P-521',
    remedy: 'create a new CA in another folder',
  });
}

function pemOf(label: string, der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
}

/** Node's WebCrypto with the type that the library expects. */
function crypto(): Crypto {
  return webcrypto as Crypto;
}
