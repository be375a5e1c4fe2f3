/**
 * The object identifiers that nearly every certificate has, decoded once: decoding one takes longer than finding it.
 *
 * @module
 */

const dotted: readonly string[] = [
  // Attributes of names.
  '2.5.4.3',
  '2.5.4.5',
  '2.5.4.6',
  '2.5.4.7',
  '2.5.4.8',
  '2.5.4.10',
  '2.5.4.11',
  '0.9.2342.19200300.100.1.1',
  '0.9.2342.19200300.100.1.25',
  '1.2.840.113549.1.9.1',
  // Extensions.
  '2.5.29.14',
  '2.5.29.15',
  '2.5.29.17',
  '2.5.29.19',
  '2.5.29.30',
  '2.5.29.31',
  '2.5.29.32',
  '2.5.29.35',
  '2.5.29.37',
  '1.3.6.1.5.5.7.1.1',
  // Purposes.
  '1.3.6.1.5.5.7.3.1',
  '1.3.6.1.5.5.7.3.2',
  // Keys and signatures.
  '1.2.840.10045.2.1',
  '1.2.840.10045.3.1.7',
  '1.3.132.0.34',
  '1.2.840.10045.4.3.2',
  '1.2.840.10045.4.3.3',
  '1.2.840.113549.1.1.1',
  '1.2.840.113549.1.1.11',
  '1.2.840.113549.1.1.12',
  '1.3.101.112',
];

interface CommonOid {
  readonly content: Buffer;
  readonly text: string;
}

const byHash: ReadonlyMap<number, CommonOid> = new Map(
  dotted.map((text) => {
    const content = encode(text);
    return [hash(content, 0, content.length), { content, text }] as const;
  }),
);

/** The dotted form of the content octets from `start` to `end`; `undefined` if they are not a common one. */
export function findCommonOid(bytes: Buffer, start: number, end: number): string | undefined {
  const found = byHash.get(hash(bytes, start, end));
  if (found?.content.length !== end - start) return undefined;
  for (let index = start; index < end; index++)
    if (bytes[index] !== found.content[index - start]) return undefined;
  return found.text;
}

/** Anyone can find octets with the same hash: whether they are the same, only a comparison shows. */
function hash(bytes: Buffer, start: number, end: number): number {
  let sum = 0;
  for (let index = start; index < end; index++) sum = (Math.imul(sum, 31) + (bytes[index] as number)) | 0;
  return sum;
}

/** The content octets of an object identifier whose arcs are below 2^31 (X.690 section 8.19). */
function encode(text: string): Buffer {
  const [root, second, ...arcs] = text.split('.').map(Number) as [number, number, ...number[]];
  return Buffer.from([root * 40 + second, ...arcs].flatMap(encodeArc));
}

function encodeArc(arc: number): number[] {
  const octets = [arc & 0x7f];
  for (let rest = arc >> 7; rest > 0; rest >>= 7) octets.unshift((rest & 0x7f) | 0x80);
  return octets;
}
