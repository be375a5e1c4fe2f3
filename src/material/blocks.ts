/**
 * Extracts the structures that an option takes from a source, whatever their form.
 *
 * @module
 */
import { locating, MtlsError } from '../errors.js';
import { type DerKind, kindOfDer, kindOfLabel } from '../x509/der-kind.js';
import { isDer, parsePem, trimDer } from '../x509/pem.js';
import { describePurpose } from '../x509/purpose.js';
import {
  isTrustedFor,
  readTrustedCertificate,
  type TrustedCertificate,
} from '../x509/trusted-certificate.js';
import { type BlockExpectation, type SourceBytes } from './sources.js';
import { type Seen, wrongKind } from './wrong-kind.js';

/**
 * The DER of every structure in a source.
 * @throws MtlsError `ERR_MTLS_PEM_INVALID` for broken PEM, the code of the expectation for a block of another kind
 *   and for a source without one, `ERR_MTLS_CA_INVALID` for a certificate whose trust settings exclude this use.
 */
export function readBlocks(source: SourceBytes, expectation: BlockExpectation): Buffer[] {
  const structures = split(source);
  const own = structures.flatMap((structure) => takeOwn(structure, source.origin, expectation));
  const [first] = structures;
  if (own.length === 0 && first !== undefined) throw wrongKind(source.origin, first, expectation);
  return own;
}

/**
 * Drops the files of a shared source that belong only to the other option. If that is all files, all are returned,
 * and the fault is found when they are read.
 * @param isShared - Whether the other option reads a file.
 */
export function dropOthers(
  files: readonly SourceBytes[],
  isShared: (file: SourceBytes) => boolean,
  expectation: BlockExpectation,
): readonly SourceBytes[] {
  const own = files.filter((file) => !isShared(file) || !isOfOthers(file, expectation));
  return own.length > 0 ? own : files;
}

/** Whether a readable source holds only what may stand beside this option's structures. */
function isOfOthers(source: SourceBytes, { beside }: BlockExpectation): boolean {
  try {
    const kinds = split(source).map(namedKindOf);
    return kinds.every((kind) => kind !== undefined && beside.includes(kind));
  } catch (error) {
    if (error instanceof MtlsError) return false;
    throw error;
  }
}

interface Structure extends Seen {
  readonly der: Buffer;
}

function split({ bytes, origin }: SourceBytes): Structure[] {
  const der = trimDer(bytes);
  const kind = kindOfDer(der);
  if (kind !== undefined || isDer(der)) return [{ pemLabel: undefined, kind, der }];
  return parsePem(bytes, origin).map((block) => {
    const isTrusted = block.label === 'TRUSTED CERTIFICATE';
    return { pemLabel: block.label, kind: isTrusted ? 'certificate' : kindOfDer(block.der), der: block.der };
  });
}

/** The kind of a structure: for PEM from its label, for DER from its bytes. */
function namedKindOf({ pemLabel, kind }: Seen): DerKind | undefined {
  return pemLabel === undefined ? kind : kindOfLabel(pemLabel);
}

function takeOwn(structure: Structure, origin: string, expectation: BlockExpectation): Buffer[] {
  const { pemLabel, kind, der } = structure;
  const named = namedKindOf(structure);
  // Bytes of unknown kind are passed on: their parser reports where they are damaged.
  const isAsNamed = kind === undefined || kind === named;
  if (named !== undefined && isAsNamed && expectation.beside.includes(named)) return [];
  const isUnknown = pemLabel === undefined && kind === undefined;
  if (!isUnknown && !(isAsNamed && named === expectation.kind))
    throw wrongKind(origin, structure, expectation);
  return [pemLabel === 'TRUSTED CERTIFICATE' ? takeTrusted(der, origin, expectation) : der];
}

function takeTrusted(der: Buffer, origin: string, { purpose }: BlockExpectation): Buffer {
  const trusted = locating(origin, () => readTrustedCertificate(der));
  const fault = purpose === undefined ? undefined : describeDistrust(trusted, purpose);
  if (fault === undefined) return trusted.certificate;
  throw new MtlsError('ERR_MTLS_CA_INVALID', {
    source: origin,
    seen: `a TRUSTED CERTIFICATE in it ${fault}`,
    remedy: distrustRemedy,
  });
}

/** Why a certificate is not trusted for a purpose; `undefined` if its trust settings allow it. */
export function describeDistrust(trust: TrustedCertificate, purpose: string): string | undefined {
  if (isTrustedFor(trust, purpose)) return undefined;
  return `has trust settings that exclude ${describePurpose(purpose)}`;
}

/** What to do about a certificate that {@link describeDistrust} describes. */
export const distrustRemedy = 'remove it, or remove its trust settings with "openssl x509 -in FILE -out NEW"';
