/**
 * One pass over the entries of a CRL: counts by reason, and the entries of certificates in question. It builds no
 * index.
 *
 * @module
 */
import { formatSerial } from '../../identity/client-identity.js';
import { type Certificate } from '../../x509/certificate.js';
import { type RevocationReason, revocationReasons, walkEntries } from '../../x509/crl-entry.js';
import { type Crl } from '../../x509/crl.js';
import { type DistinguishedName } from '../../x509/distinguished-name.js';

/** A certificate in question. */
export interface Wanted {
  /** Its name in the answer. */
  readonly label: string;
  /** The content octets of the serial number. */
  readonly serial: Buffer;
  /** `undefined` for a serial number of any issuer. */
  readonly certificate: Certificate | undefined;
}

/** The entry of a certificate in question. */
export interface Listing {
  readonly wanted: Wanted;
  readonly reason: RevocationReason;
  readonly revocationDate: Date;
}

/** The result of the pass. */
export interface CrlSurvey {
  /** The number of entries by reason, most frequent first. */
  readonly reasons: readonly (readonly [RevocationReason, number])[];
  readonly listings: readonly Listing[];
}

/** Reads all entries. */
export function surveyCrl(crl: Crl, wanted: readonly Wanted[]): CrlSurvey {
  const counts = new Uint32Array(revocationReasons.length);
  const bySerial = groupBySerial(wanted);
  const listings = new Map<Wanted, Listing>();
  let issuer = crl.issuer;
  walkEntries(crl, (entry) => {
    const { serialStart, serialEnd, reason } = entry;
    counts[reason] = (counts[reason] as number) + 1;
    if (entry.certificateIssuer !== undefined) issuer = entry.certificateIssuer;
    if (bySerial.size === 0) return;
    const candidates = bySerial.get(hashOf(crl.raw, serialStart, serialEnd));
    if (candidates === undefined) return;
    const serial = crl.raw.subarray(serialStart, serialEnd);
    for (const candidate of candidates) {
      if (!candidate.serial.equals(serial) || !isOf(candidate, issuer)) continue;
      // Of two entries for one certificate, the one that revokes it counts.
      if ((listings.get(candidate)?.reason ?? 'removeFromCRL') !== 'removeFromCRL') continue;
      listings.set(candidate, {
        wanted: candidate,
        reason: revocationReasons[reason] as RevocationReason,
        revocationDate: new Date(entry.revocationDate * 1000),
      });
    }
  });
  const reasons = revocationReasons
    .map((reason, index) => [reason, counts[index] as number] as const)
    .filter(([, number]) => number > 0)
    .sort(([, left], [, right]) => right - left);
  return { reasons, listings: [...listings.values()] };
}

function isOf({ certificate }: Wanted, issuer: DistinguishedName): boolean {
  return certificate === undefined || certificate.issuer.equals(issuer);
}

function groupBySerial(wanted: readonly Wanted[]): ReadonlyMap<number, readonly Wanted[]> {
  const groups = new Map<number, Wanted[]>();
  for (const one of wanted) {
    const hash = hashOf(one.serial, 0, one.serial.length);
    const group = groups.get(hash);
    if (group === undefined) groups.set(hash, [one]);
    else group.push(one);
  }
  return groups;
}

/** The last octets of a serial number, where both sequential and random numbers vary. */
function hashOf(bytes: Buffer, start: number, end: number): number {
  return bytes.readUIntBE(Math.max(start, end - 4), Math.min(end - start, 4));
}

/** `'reason: keyCompromise'`. */
export function reasonPhrase(reason: RevocationReason): string {
  return reason === 'unspecified' ? 'no reason given' : `reason: ${reason}`;
}

/** A serial number in hex, with or without colons; `undefined` for other text. */
export function parseSerial(text: string): Wanted | undefined {
  const hex = text.replace(/^0x/i, '').replaceAll(':', '');
  if (!/^[0-9a-f]{1,200}$/i.test(hex)) return undefined;
  const shortest = BigInt(`0x${hex}`).toString(16);
  const even = shortest.length % 2 === 0 ? shortest : `0${shortest}`;
  // INTEGER is signed: if the first bit is set, a zero octet precedes it.
  const serial = Buffer.from(/^[89a-f]/i.test(even) ? `00${even}` : even, 'hex');
  return { label: `serial ${formatSerial(serial)}`, serial, certificate: undefined };
}

/** A certificate in question. */
export function wantedOf(certificate: Certificate, label: string): Wanted {
  return { label, serial: certificate.serial, certificate };
}
