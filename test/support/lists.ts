/**
 * CRLs and certificates of the chain builder, as the revocation engine sees them.
 *
 * @module
 */
import { checkRevocationPolicy, type RevocationPolicy } from '../../src/revocation/revocation-policy.js';
import { coverageOf } from '../../src/revocation/crl-coverage.js';
import { type ScopedEntries } from '../../src/revocation/crl-diff.js';
import { type Replacement, scopeKey } from '../../src/revocation/crl-set.js';
import { RevocationChecker } from '../../src/revocation/revocation-checker.js';
import {
  packCrl,
  readSignedCrl,
  unpackCrl,
  type VerifiedCrl,
  digestOf,
} from '../../src/revocation/verified-crl.js';
import { type Certificate, parseCertificate } from '../../src/x509/certificate.js';
import { type CertificateChain, CertificateStore } from '../../src/x509/certificate-store.js';
import { element, explicit, implicit, namedBits, oid, sequence, text } from './der-writer.js';
import type { ExtraExtension } from './extensions.js';
import { directoryName, uriName } from './names.js';

interface Encoded {
  readonly der: Buffer;
}

export const minute = 60_000;
export const day = 86_400_000;

/** A moment so many milliseconds from now. */
export function fromNow(ms: number): Date {
  return new Date(Math.floor((Date.now() + ms) / 1000) * 1000);
}

export function read({ der }: Encoded): Certificate {
  return parseCertificate(der);
}

export function storeOf(...cas: readonly Encoded[]): CertificateStore {
  return new CertificateStore(cas.map(read));
}

/** A CRL, verified by the CAs of a store. */
export function admitted(crl: Encoded, store: CertificateStore, origin = 'test.crl'): VerifiedCrl {
  const signed = readSignedCrl({ der: crl.der, origin, digest: digestOf(crl.der) }, store, {
    weakSignature: 'deny',
  });
  return unpackCrl(packCrl(signed, { keepEntries: 0, seed: undefined }), store, new Date());
}

/** What a reload compares of a CRL. */
export function entriesOf(verified: VerifiedCrl): ScopedEntries {
  const { digest, index } = verified;
  const coverage = coverageOf(verified, index.data);
  return { scope: scopeKey(verified), coverage, digest, index: index.data };
}

/** A reload under which every CA stays, no key is another's successor, and nothing has expired. */
export const lenient: Omit<Replacement, 'crls'> = {
  shrunk: [],
  isConfigured: () => true,
  isSuccessor: () => false,
  isStale: () => false,
  canSpareIndirect: () => true,
};

/** A checker for these CAs and CRLs, as `loadRevocation` makes one. */
export function checkerOf(
  cas: readonly Encoded[],
  crls: readonly Encoded[],
  policy: RevocationPolicy = {},
): RevocationChecker {
  const store = storeOf(...cas);
  const verified = crls.map((crl) => admitted(crl, store));
  return new RevocationChecker(verified, store, checkRevocationPolicy(policy));
}

/** A chain, leaf first, of certificates that were read on their own. */
export function chainOf(...certificates: readonly Encoded[]): CertificateChain {
  return certificates.map(read);
}

/** A distribution point of a certificate (RFC 5280 section 4.2.1.13). */
export interface PointOptions {
  readonly uris?: readonly string[];
  /** The DER of a Name. */
  readonly directory?: Buffer;
  /** A commonName to append to the name of the CRL's issuer. */
  readonly relative?: string;
  /** Bits of ReasonFlags. */
  readonly reasons?: readonly number[];
  /** The DER of a Name, or of several. */
  readonly crlIssuer?: Buffer | readonly Buffer[];
}

export function distributionPoints(...points: readonly PointOptions[]): ExtraExtension {
  return { oid: '2.5.29.31', value: sequence(...points.map(point)) };
}

function point({ reasons, crlIssuer, ...name }: PointOptions): Buffer {
  return sequence(
    ...pointName(name),
    ...(reasons === undefined ? [] : [implicit(1, namedBits(reasons))]),
    ...(crlIssuer === undefined ? [] : [element(0xa2, Buffer.concat([crlIssuer].flat().map(directoryName)))]),
  );
}

/** An issuingDistributionPoint with the names that the CRL builder does not write (section 5.2.5). */
export function issuingPoint(name: PointOptions, indirect = false): ExtraExtension {
  const flag = indirect ? [element(0x84, Buffer.from([0xff]))] : [];
  return { oid: '2.5.29.28', critical: true, value: sequence(...pointName(name), ...flag) };
}

function pointName({ uris = [], directory, relative }: PointOptions): Buffer[] {
  if (relative !== undefined) {
    const attribute = sequence(oid('2.5.4.3'), text('utf8', relative));
    return [explicit(0, element(0xa1, attribute))];
  }
  const names = [...uris.map(uriName), ...(directory === undefined ? [] : [directoryName(directory)])];
  return names.length === 0 ? [] : [explicit(0, element(0xa0, Buffer.concat(names)))];
}
