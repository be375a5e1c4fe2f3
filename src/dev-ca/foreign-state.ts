/**
 * The state of a CA created elsewhere: what it issued and revoked, and the numbers that must not decrease.
 *
 * @module
 */
import { MtlsError } from '../errors.js';
import type { Crl } from '../x509/crl.js';
import { verifySignature } from '../x509/signature.js';
import { isIssuedBy } from './authority.js';
import { normalizeSerial, parseCrlNumber, parseRows } from './database.js';
import { readText } from './files.js';
import type { ForeignAuthority } from './foreign-authority.js';
import type { ForeignCa } from './foreign-folder.js';
import type { ForeignCertificate, ForeignMaterial } from './foreign-material.js';
import { completeRows, type CompletedRows } from './foreign-rows.js';

/** The state of a CA. */
export interface ForeignState extends CompletedRows {
  /** Each certificate once, without those of the CA itself. */
  readonly issued: readonly ForeignCertificate[];
  /** The newest CRL. */
  readonly crl: Crl | undefined;
  /** The number of the next CRL. */
  readonly crlNumber: bigint;
  /** The next serial number for `openssl ca`, in hexadecimal; `undefined` if the folder does not count them. */
  readonly nextSerial: string | undefined;
}

/**
 * Determines the state of the CA.
 * @throws MtlsError `ERR_MTLS_CA_FOLDER_INVALID` if one of its files cannot be parsed
 */
export async function readForeignState(
  foreign: ForeignCa,
  { found }: ForeignAuthority,
  material: ForeignMaterial,
): Promise<ForeignState> {
  const issued = issuedBy(found, material.certificates);
  const crls = crlsOf(found, material);
  const crl = crls.at(-1);
  const known =
    foreign.database === undefined ? [] : parseRows(await readText(foreign.database), foreign.database);
  const completed = completeRows(known, issued, crl, found.content.notAfter);
  const serials = new Set(completed.rows.map(({ serialNumber }) => serialNumber));
  return {
    ...completed,
    issued,
    crl,
    crlNumber: await nextCrlNumber(foreign, crls),
    nextSerial: await nextSerial(foreign, serials),
  };
}

function issuedBy(ca: ForeignCertificate, all: readonly ForeignCertificate[]): ForeignCertificate[] {
  const isOwn = ({ certificate }: ForeignCertificate): boolean =>
    certificate.subject === ca.certificate.subject && certificate.publicKey.equals(ca.certificate.publicKey);
  const issued = all.filter((each) => !isOwn(each) && isIssuedBy(each.certificate, ca));
  // `openssl ca` keeps a second copy in new_certs_dir. The nearest file comes first and is used.
  const first = new Map(issued.toReversed().map((each) => [each.certificate.fingerprint256, each]));
  return issued.filter((each) => first.get(each.certificate.fingerprint256) === each);
}

/** The CA's own full CRLs, oldest first. Even MD5 signatures are accepted here, to learn what the CA has revoked. */
function crlsOf({ certificate, content }: ForeignCertificate, { crls }: ForeignMaterial): Crl[] {
  return crls
    .map(({ crl }) => crl)
    .filter((crl) => crl.deltaBase === undefined && crl.issuer.equals(content.subject))
    .filter((crl) => verifySignature(crl.signed, certificate.publicKey))
    .sort((left, right) => left.thisUpdate.getTime() - right.thisUpdate.getTime());
}

async function nextCrlNumber({ crlNumber: file }: ForeignCa, crls: readonly Crl[]): Promise<bigint> {
  const written = file === undefined ? 1n : parseCrlNumber(await readText(file), file);
  const followers = crls.map(({ number }) => (number ?? 0n) + 1n);
  return [1n, ...followers].reduce((most, each) => (each > most ? each : most), written);
}

async function nextSerial(
  { serial: file }: ForeignCa,
  taken: ReadonlySet<string>,
): Promise<string | undefined> {
  if (file === undefined) return undefined;
  const digits = (await readText(file)).trim();
  if (!/^[0-9A-Fa-f]{1,40}$/.test(digits)) {
    throw new MtlsError('ERR_MTLS_CA_FOLDER_INVALID', {
      seen: `${file} holds ${JSON.stringify(digits.slice(0, 60))}`,
      expected: 'the next serial number in hexadecimal',
      remedy: 'restore it',
    });
  }
  let next = BigInt(`0x${digits}`);
  while (taken.has(normalizeSerial(next.toString(16)))) next++;
  return next.toString(16);
}
