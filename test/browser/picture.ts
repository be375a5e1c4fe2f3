/**
 * Makes a screenshot small: a PNG with a palette of at most 256 colours. The pictures have few colours, and mostly
 * shades of text.
 *
 * @module
 */
import { crc32, deflateSync, inflateSync } from 'node:zlib';

const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

interface Pixels {
  readonly width: number;
  readonly height: number;
  /** One number for each pixel, line by line: 0xRRGGBB. */
  readonly colours: Uint32Array;
}

/** Rewrites a PNG of 8 bits per channel without interlacing, as Chromium makes it. Transparency is dropped. */
export function shrink(png: Buffer): Buffer {
  const { width, height, colours } = read(png);
  const palette = mostFrequent(colours, 256);
  const indexOf = new Map(palette.map((colour, index) => [colour, index]));
  const lines = Buffer.alloc((width + 1) * height);
  colours.forEach((colour, at) => {
    let index = indexOf.get(colour);
    if (index === undefined) indexOf.set(colour, (index = nearest(palette, colour)));
    lines[at + Math.floor(at / width) + 1] = index;
  });
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  // Eight bits for each pixel, which are an index of the palette.
  head.set([8, 3], 8);
  return Buffer.concat([
    signature,
    chunk('IHDR', head),
    chunk('PLTE', Buffer.from(palette.flatMap((colour) => channelsOf(colour)))),
    chunk('IDAT', deflateSync(lines, { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function read(png: Buffer): Pixels {
  const width = png.readUInt32BE(16);
  const height = png.readUInt32BE(20);
  const channels = png[25] === 6 ? 4 : 3;
  const parts: Buffer[] = [];
  for (let at = 8; at < png.length; at += 12 + png.readUInt32BE(at))
    if (png.toString('latin1', at + 4, at + 8) === 'IDAT')
      parts.push(png.subarray(at + 8, at + 8 + png.readUInt32BE(at)));
  const bytes = unfilter(inflateSync(Buffer.concat(parts)), width * channels, channels);
  const colours = Uint32Array.from({ length: width * height }, (_, at) => bytes.readUIntBE(at * channels, 3));
  return { width, height, colours };
}

/** Each line begins with the number of its filter: every byte is a difference to bytes before it. */
function unfilter(filtered: Buffer, lineLength: number, channels: number): Buffer {
  const lines = filtered.length / (lineLength + 1);
  const bytes = Buffer.alloc(lines * lineLength);
  for (let line = 0; line < lines; line++) {
    const filter = filtered[line * (lineLength + 1)] ?? 0;
    for (let x = 0; x < lineLength; x++) {
      const at = line * lineLength + x;
      const left = x < channels ? 0 : bytes[at - channels]!;
      const up = line === 0 ? 0 : bytes[at - lineLength]!;
      const corner = x < channels || line === 0 ? 0 : bytes[at - lineLength - channels]!;
      const predicted = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter]!;
      bytes[at] = filtered[line * (lineLength + 1) + 1 + x]! + predicted;
    }
  }
  return bytes;
}

function paeth(left: number, up: number, corner: number): number {
  const distances = [left, up, corner].map((value) => Math.abs(left + up - corner - value));
  const least = Math.min(...distances);
  return [left, up, corner][distances.indexOf(least)]!;
}

function mostFrequent(colours: Uint32Array, most: number): number[] {
  const times = new Map<number, number>();
  for (const colour of colours) times.set(colour, (times.get(colour) ?? 0) + 1);
  return [...times]
    .sort((one, other) => other[1] - one[1])
    .slice(0, most)
    .map(([colour]) => colour);
}

function nearest(palette: readonly number[], colour: number): number {
  const own = channelsOf(colour);
  const distances = palette.map((candidate) =>
    channelsOf(candidate).reduce((sum, channel, index) => sum + (channel - own[index]!) ** 2, 0),
  );
  return distances.indexOf(Math.min(...distances));
}

function channelsOf(colour: number): number[] {
  return [colour >> 16, (colour >> 8) & 255, colour & 255];
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const framed = Buffer.alloc(body.length + 8);
  framed.writeUInt32BE(data.length, 0);
  body.copy(framed, 4);
  framed.writeUInt32BE(crc32(body), body.length + 4);
  return framed;
}
