/**
 * CRLs of a million entries, in a second: every entry has the same length, so
 * they are written one after the other into a buffer allocated once.
 *
 * @module
 */
import { header, integer, sequence, time } from './der-writer.js';
import { reasonCode } from './extensions.js';
import type { ReasonName } from './extensions.js';
import { assembleCrl, crlDate } from './crl.js';
import type { CrlIssuer, CrlMaterial, CrlOptions, Revocable } from './crl.js';

export interface LargeCrlOptions extends Omit<CrlOptions, 'revoked'> {
  /** How many made-up serials are listed. */
  readonly entries: number;
  /** The length of each made-up serial, in bytes. @defaultValue `16`; from 5 to 80 */
  readonly serialBytes?: number;
  /** Certificates listed besides, after the made-up ones. */
  readonly also?: readonly Revocable[];
  /** A reason for every made-up entry. @defaultValue none */
  readonly reason?: ReasonName | number;
}

export interface LargeCrl extends CrlMaterial {
  /** The made-up serial at `index` (from 0), in lower-case hex. */
  serialAt(index: number): string;
}

/** A CRL of `options.entries` different serials, the same on every run. */
export function largeCrl(issuer: CrlIssuer, options: LargeCrlOptions): LargeCrl {
  const { entries, serialBytes = 16, also = [] } = options;
  if (serialBytes < 5 || serialBytes > 80)
    throw new RangeError(`serialBytes is ${String(serialBytes)}, not 5 to 80`);

  const date = time(crlDate(options), options.dates);
  const template = sequence(
    integer(Buffer.alloc(serialBytes)),
    date,
    ...(options.reason === undefined ? [] : [sequence(reasonCode(options.reason))]),
  );
  const listed = Buffer.concat(also.map((certificate) => sequence(integer(certificate.serialContent), date)));
  const head = header(0x30, entries * template.length + listed.length);
  const list = Buffer.allocUnsafe(head.length + entries * template.length + listed.length);

  let offset = head.copy(list);
  for (let index = 0; index < entries; index += 1) {
    list.set(template, offset);
    // Two bytes of SEQUENCE, two of INTEGER: both are short, so their lengths have one byte.
    writeSerial(list, offset + 4, serialBytes, index);
    offset += template.length;
  }
  listed.copy(list, offset);

  const crl = assembleCrl(issuer, options, list, entries + also.length === 0);
  return Object.assign(crl, {
    serialAt(index: number): string {
      const serial = Buffer.alloc(serialBytes);
      writeSerial(serial, 0, serialBytes, index);
      return serial.toString('hex').replace(/^0/, '');
    },
  });
}

/**
 * A pseudo-random positive number of exactly `length` bytes. Its last four are
 * a permutation of `index`, so that no two are alike.
 */
function writeSerial(target: Buffer, offset: number, length: number, index: number): void {
  const last = offset + length - 4;
  let state = scramble(index);
  for (let at = offset; at < last; at += 1) {
    if ((at - offset) % 4 === 0) state = scramble(state + 0x9e3779b9);
    target[at] = state >>> (8 * ((at - offset) % 4));
  }
  target[offset] = (target[offset] ?? 0) & 0x7f || 0x01;
  target.writeUInt32BE(scramble(index), last);
}

/** Every step can be undone, so different inputs have different outputs. */
function scramble(value: number): number {
  let mixed = value >>> 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}
