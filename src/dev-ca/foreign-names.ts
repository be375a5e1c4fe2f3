/**
 * The NAMEs for certificates of a CA created elsewhere, and the key of each.
 *
 * @module
 */
import type { KeyObject } from 'node:crypto';
import path from 'node:path';
import { normalizeSerial } from './database.js';
import type { ForeignCertificate, ForeignKey } from './foreign-material.js';

/** A certificate with its NAME. */
export interface NamedCertificate extends ForeignCertificate {
  readonly name: string;
  readonly serialNumber: string;
  readonly key: ForeignKey | undefined;
}

/**
 * Names every certificate after its file or, if that is its serial number, after its commonName.
 * @param isRevoked - Of two certificates with the same name, the one that is not revoked gets it.
 */
export function nameCertificates(
  issued: readonly ForeignCertificate[],
  keys: readonly ForeignKey[],
  isRevoked: (serialNumber: string) => boolean,
): NamedCertificate[] {
  const taken = new Set(['ca']);
  const candidates = issued.map((each) => {
    const serialNumber = normalizeSerial(each.certificate.serialNumber);
    const stem = stemOf(each.file);
    const isNumbered = /^[0-9a-f]+$/i.test(stem) && normalizeSerial(stem) === serialNumber;
    const wanted = isNumbered ? (each.content.subject.get('CN').at(-1) ?? stem) : stem;
    return { each, serialNumber, wanted: fit(wanted), isNumbered };
  });
  const rank = ({ serialNumber, isNumbered }: (typeof candidates)[number]): number =>
    Number(isNumbered) + 2 * Number(isRevoked(serialNumber));
  return candidates
    .sort(
      (left, right) =>
        rank(left) - rank(right) ||
        right.each.content.notBefore.getTime() - left.each.content.notBefore.getTime(),
    )
    .map(({ each, serialNumber, wanted }) => {
      const name = firstFree(wanted, serialNumber, taken);
      taken.add(name.toLowerCase());
      return { ...each, name, serialNumber, key: keyOf(each, keys) };
    })
    .sort((left, right) => (left.name < right.name ? -1 : 1));
}

function firstFree(wanted: string, serialNumber: string, taken: ReadonlySet<string>): string {
  if (wanted !== '' && !taken.has(wanted.toLowerCase())) return wanted;
  const numbered = `${wanted === '' ? 'certificate' : wanted.slice(0, 20)}-${serialNumber.slice(0, 40)}`;
  for (let count = 1; ; count++) {
    const name = count === 1 ? numbered : `${numbered}-${count}`;
    if (!taken.has(name.toLowerCase())) return name;
  }
}

/** The subject of a file name: `client1` for `client1-crt.pem`, `client1.key` and `client1.cert.pem`. */
function stemOf(file: string): string {
  return path
    .basename(file)
    .replace(/(?:\.(?:pem|crt|cer|cert|der|key))+$/i, '')
    .replace(/[-_.](?:crt|cert|certificate|key|private)$/i, '');
}

/** The name in the characters that this CA allows; may be empty. */
function fit(name: string): string {
  return name
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[.-]+/, '')
    .slice(0, 64);
}

/** Keys are matched by public key. An encrypted key is matched by its file name. */
function keyOf(
  { certificate, file }: ForeignCertificate,
  keys: readonly ForeignKey[],
): ForeignKey | undefined {
  const wanted = spkiOf(certificate.publicKey);
  return (
    keys.find(({ publicKey }) => publicKey !== undefined && spkiOf(publicKey) === wanted) ??
    keys.find((key) => key.publicKey === undefined && stemOf(key.file) === stemOf(file))
  );
}

function spkiOf(key: KeyObject): string {
  return key.export({ type: 'spki', format: 'der' }).toString('hex');
}
