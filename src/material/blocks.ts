/**
 * What a source holds of an option's own: every structure in it, whatever its form.
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
 * Every structure in a source, DER.
 * @throws MtlsError `ERR_MTLS_PEM_INVALID` for broken PEM, the expectation's code for a block of another kind and
 *   where there is none of its own, `ERR_MTLS_CA_INVALID` for a certificate whose owner does not trust it for this.
 */
export function readBlocks(source: SourceBytes, expectation: BlockExpectation): Buffer[] {
  const structures = split(source);
  const own = structures.flatMap((structure) => takeOwn(structure, source.origin, expectation));
  const [first] = structures;
  if (own.length === 0 && first !== undefined) throw wrongKind(source.origin, first, expectation);
  return own;
}

/**
 * The files of a source that another option reads too, but for those that are that option's alone. Where all are,
 * all are returned, so that the fault is found where they are read.
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

/** Whether a source that reads has nothing but what may stand beside an option's own. */
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

/** What a structure says it is: by its label, and in DER by its bytes. */
function namedKindOf({ pemLabel, kind }: Seen): DerKind | undefined {
  return pemLabel === undefined ? kind : kindOfLabel(pemLabel);
}

function takeOwn(structure: Structure, origin: string, expectation: BlockExpectation): Buffer[] {
  const { pemLabel, kind, der } = structure;
  const named = namedKindOf(structure);
  // Bytes of no known kind are for their reader to refuse, which says where they are damaged.
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

/** Why a certificate is not to be trusted for a purpose; `undefined`: its settings admit it. */
export function describeDistrust(trust: TrustedCertificate, purpose: string): string | undefined {
  if (isTrustedFor(trust, purpose)) return undefined;
  return `is by its own settings not trusted for ${describePurpose(purpose)}`;
}

/** What to do about a certificate that {@link describeDistrust} describes. */
export const distrustRemedy =
  'take it out, or give it without those settings: "openssl x509 -in FILE -out NEW"';
