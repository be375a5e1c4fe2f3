/**
 * Signs certificate requests of others. Only names are taken from a request, and only those that the operator did not
 * set.
 *
 * @module
 */
import { X509Certificate } from 'node:crypto';
import { MtlsError } from '../errors.js';
import type { DistinguishedName } from '../x509/distinguished-name.js';
import type { GeneralName } from '../x509/general-name.js';
import type { Authority } from './authority.js';
import { completeNames, readClientNames, readServerNames } from './certificate-options.js';
import type { ClientCertificateOptions, SaidNames, ServerCertificateOptions } from './certificate-options.js';
import { type VerifiedRequest, verifyRequest } from './certificate-request.js';
import type { CertificateKind, DevCertificate } from './database.js';
import { createFile, readIfPresent } from './files.js';
import { describeCertificate, readRows } from './inventory.js';
import { signAndRecord } from './issuance.js';
import { isFor, pairFiles, readPair, unusable, type PairFiles } from './pair.js';

/**
 * A request, and where it came from.
 * @example
 * ```ts
 * const request: RequestSource = { bytes: await readFile('client2.csr'), origin: 'client2.csr', names: 'taken' };
 * ```
 */
export interface RequestSource {
  /** PEM or DER. */
  readonly bytes: Buffer;
  /** @defaultValue `'the request'` */
  readonly origin?: string;
  /**
   * What to do with names in the request that the options do not set. `'ignored'` omits them, because the requester
   * chose them and rules match names; `'taken'` puts them into the certificate.
   * @defaultValue `'ignored'`
   */
  readonly names?: 'ignored' | 'taken';
}

/** A certificate issued for a request. Its key is elsewhere. */
export interface SignedRequest extends DevCertificate {
  /** Whether this call issued it, or found one with that name and the same key. */
  readonly outcome: 'made' | 'kept';
  /** The NAME of its file. */
  readonly name: string;
  /** `NAME-crt.pem` in the folder. */
  readonly certFile: string;
  /** What was taken from the request; empty if the certificate was kept. */
  readonly taken: readonly RequestedItem[];
  /** What the request has and the certificate does not; empty if the certificate was kept. */
  readonly leftOut: readonly RequestedItem[];
}

/** An item in a request. */
export interface RequestedItem {
  /** `'commonName'`, `'dns'`, …, `'extension'`, or the dotted object identifier of another attribute. */
  readonly type: string;
  /** The value. For an extension, its name or object identifier. */
  readonly value: string;
}

/**
 * Signs a request for a server.
 * @throws MtlsError `ERR_MTLS_REQUEST_INVALID`, `ERR_MTLS_PEM_INVALID`
 */
export async function signServerRequest(
  authority: Authority,
  source: RequestSource,
  options: Omit<ServerCertificateOptions, 'algorithm'>,
): Promise<SignedRequest> {
  const { name = 'server', days } = options;
  return signRequest(authority, source, { kind: 'server', name, days, said: readServerNames(options) });
}

/**
 * Signs a request for a client.
 * @throws MtlsError `ERR_MTLS_REQUEST_INVALID`, `ERR_MTLS_PEM_INVALID`
 */
export async function signClientRequest(
  authority: Authority,
  name: string,
  source: RequestSource,
  options: Omit<ClientCertificateOptions, 'algorithm'>,
): Promise<SignedRequest> {
  const said = readClientNames(options);
  return signRequest(authority, source, { kind: 'client', name, days: options.days, said });
}

interface SigningOrder {
  readonly kind: CertificateKind;
  readonly name: string;
  readonly days: number | undefined;
  readonly said: SaidNames;
}

async function signRequest(
  authority: Authority,
  { bytes, origin = 'the request', names: policy = 'ignored' }: RequestSource,
  { kind, name, days, said }: SigningOrder,
): Promise<SignedRequest> {
  const files = pairFiles(authority, name);
  const { certFile } = files;
  const request = await verifyRequest(bytes, origin);
  const { names: asked, items } = readRequest(request, { origin, said, policy });
  const names = completeNames(kind, name, asked);
  const kept = await findSigned(authority, kind, files, request);
  let certificate = kept;
  if (certificate === undefined) {
    const pem = await signAndRecord(authority, { kind, names, publicKey: request.publicKey, days });
    await createFile(certFile, pem, 'public');
    certificate = new X509Certificate(pem);
  }
  const described = describeCertificate(certificate, name, await readRows(authority));
  const { taken, leftOut } = kept === undefined ? items : { taken: [], leftOut: [] };
  return { outcome: kept === undefined ? 'made' : 'kept', ...described, name, certFile, taken, leftOut };
}

async function findSigned(
  authority: Authority,
  kind: CertificateKind,
  files: PairFiles,
  request: VerifiedRequest,
): Promise<X509Certificate | undefined> {
  if ((await readIfPresent(files.keyFile)) !== undefined) {
    throw unusable(files.keyFile, 'exists, but the key of a request is elsewhere');
  }
  const certificate = (await readPair(authority, files))?.certificate;
  if (certificate === undefined) return undefined;
  if (!isFor(kind, certificate)) throw unusable(files.certFile, `is not a ${kind} certificate`);
  if (certificate.publicKey.equals(request.publicKey)) return certificate;
  throw unusable(files.certFile, 'exists with another key than the request');
}

const subjectAltName = '2.5.29.17';

interface ReadItems {
  readonly taken: RequestedItem[];
  readonly leftOut: RequestedItem[];
}

const subjectTypes: Readonly<Record<string, 'commonName' | 'organization' | 'organizationalUnits'>> = {
  '2.5.4.3': 'commonName',
  '2.5.4.10': 'organization',
  '2.5.4.11': 'organizationalUnits',
};

interface Reading {
  readonly origin: string;
  readonly said: SaidNames;
  readonly policy: 'ignored' | 'taken';
}

function readRequest(
  request: VerifiedRequest,
  { origin, said, policy }: Reading,
): { names: SaidNames; items: ReadItems } {
  const items: ReadItems = { taken: [], leftOut: [] };
  const open = (field: keyof SaidNames): boolean => policy === 'taken' && said[field] === undefined;
  const subject = readSubject(request.subject, open, items);
  for (const [type, values] of Object.entries(subject)) {
    if (type === 'organizationalUnits' || values.length < 2) continue;
    throw new MtlsError('ERR_MTLS_REQUEST_INVALID', {
      seen: `${origin} has ${String(values.length)} values for ${type}; a certificate can only have one`,
      remedy: 'set the value as an option',
    });
  }
  const altNames = readAltNames(request.extensions?.subjectAltNames ?? [], open, items);
  for (const type of request.extensionTypes) {
    if (type === subjectAltName) continue;
    items.leftOut.push({ type: 'extension', value: extensionNames[type] ?? type });
  }
  return {
    names: {
      commonName: said.commonName ?? subject.commonName[0],
      organization: said.organization ?? subject.organization[0],
      organizationalUnits: said.organizationalUnits ?? subject.organizationalUnits,
      altNames: said.altNames ?? altNames,
    },
    items,
  };
}

type RequestedSubject = Record<'commonName' | 'organization' | 'organizationalUnits', string[]>;

function readSubject(
  subject: DistinguishedName,
  open: (field: keyof SaidNames) => boolean,
  items: ReadItems,
): RequestedSubject {
  const values: RequestedSubject = { commonName: [], organization: [], organizationalUnits: [] };
  for (const { type, value } of subject.rdns.flat()) {
    const field = subjectTypes[type];
    const item = {
      type: field === 'organizationalUnits' ? 'organizationalUnit' : (field ?? attributeNames[type] ?? type),
      value: value ?? '',
    };
    if (field === undefined || value === undefined || !open(field)) {
      items.leftOut.push(item);
    } else {
      values[field].push(value);
      items.taken.push(item);
    }
  }
  return values;
}

function readAltNames(
  requested: readonly GeneralName[],
  open: (field: keyof SaidNames) => boolean,
  items: ReadItems,
): NonNullable<SaidNames['altNames']> {
  const names = { dns: [] as string[], ip: [] as string[], email: [] as string[], uri: [] as string[] };
  for (const { kind, value } of requested) {
    const item = { type: kind, value: Buffer.isBuffer(value) ? value.toString('hex') : value.toString() };
    if (kind in names && open('altNames')) {
      names[kind as keyof typeof names].push(item.value);
      items.taken.push(item);
    } else items.leftOut.push(item);
  }
  return names;
}

const attributeNames: Readonly<Record<string, string>> = {
  '2.5.4.5': 'serialNumber',
  '2.5.4.6': 'country',
  '2.5.4.7': 'locality',
  '2.5.4.8': 'state',
  '1.2.840.113549.1.9.1': 'emailAddress',
  '0.9.2342.19200300.100.1.25': 'domainComponent',
};

const extensionNames: Readonly<Record<string, string>> = {
  '2.5.29.14': 'subjectKeyIdentifier',
  '2.5.29.15': 'keyUsage',
  '2.5.29.19': 'basicConstraints',
  '2.5.29.30': 'nameConstraints',
  '2.5.29.32': 'certificatePolicies',
  '2.5.29.35': 'authorityKeyIdentifier',
  '2.5.29.37': 'extendedKeyUsage',
};
