/**
 * A certificate in the forms in which files and variables come, and what is said of each.
 *
 * @module
 */
import { gzipSync } from 'node:zlib';
import { parsePem } from '../../src/x509/pem.js';
import { ca } from './chain.js';

const root = ca('root');
/** What all of them hold. */
export const { pem, der } = root;
const base64 = der.toString('base64');
const littleEndian = Buffer.from(pem, 'utf16le');
const bigEndian = Buffer.from(littleEndian).swap16();
const oneLine = pem.replaceAll('\n', ' ');

const hexadecimal = `it is DER in hexadecimal digits; in a shell: perl -0pe 's/[^0-9A-Fa-f]//g; $_ = pack "H*", $_' FILE >NEW; in code: Buffer.from(value.replaceAll(/[^0-9a-f]/gi, ''), 'hex')`;

/** Each form that a command or code makes PEM or DER of, and what is said of it. */
export const forms: readonly [form: string, bytes: Buffer | string, seen: string][] = [
  [
    'UTF-16 with a byte order mark',
    Buffer.concat([Buffer.of(0xff, 0xfe), littleEndian]),
    "it is text in UTF-16, but PEM is ASCII; in a shell: iconv -f UTF-16 -t UTF-8 FILE >NEW; in code: bytes.toString('utf16le')",
  ],
  [
    'UTF-16, most significant byte first, with a byte order mark',
    Buffer.concat([Buffer.of(0xfe, 0xff), bigEndian]),
    "it is text in UTF-16, but PEM is ASCII; in a shell: iconv -f UTF-16 -t UTF-8 FILE >NEW; in code: bytes.swap16().toString('utf16le')",
  ],
  [
    'UTF-16 without a byte order mark',
    littleEndian,
    "it is text in UTF-16LE, but PEM is ASCII; in a shell: iconv -f UTF-16LE -t UTF-8 FILE >NEW; in code: bytes.toString('utf16le')",
  ],
  [
    'UTF-16, most significant byte first, without a byte order mark',
    bigEndian,
    "it is text in UTF-16BE, but PEM is ASCII; in a shell: iconv -f UTF-16BE -t UTF-8 FILE >NEW; in code: bytes.swap16().toString('utf16le')",
  ],
  [
    'lines that are indented',
    pem.replaceAll(/^(?=.)/gm, ' \t '),
    "it is indented, but a BEGIN line must not be; in a shell: sed 's/^[[:space:]]*//' FILE >NEW; in code: value.replaceAll(/^[ \\t]+/gm, '')",
  ],
  [
    'a value of YAML, with its name',
    `ca: |\n${pem.replaceAll(/^(?=.)/gm, '  ')}`,
    "it is indented, but a BEGIN line must not be; in a shell: sed 's/^[[:space:]]*//' FILE >NEW; in code: value.replaceAll(/^[ \\t]+/gm, '')",
  ],
  [
    'lines that are quoted, as in a mail',
    pem.replaceAll(/^(?=.)/gm, '> '),
    'its lines have a prefix, such as "> " or "# "; in a shell: sed \'s/^[>#; ]*//\' FILE >NEW; in code: value.replaceAll(/^[>#; ]+/gm, \'\')',
  ],
  [
    'line breaks as a variable has them',
    pem.replaceAll('\n', '\\n'),
    "it has \\n instead of line breaks; in a shell: printf '%b\\n' \"$(cat FILE)\" >NEW; in code: value.replaceAll('\\\\n', '\\n')",
  ],
  [
    'line breaks of Windows as a variable has them',
    pem.replaceAll('\n', '\\r\\n'),
    "it has \\n instead of line breaks; in a shell: printf '%b\\n' \"$(cat FILE)\" >NEW; in code: value.replaceAll('\\\\r', '').replaceAll('\\\\n', '\\n')",
  ],
  [
    'a string of a program',
    JSON.stringify(pem),
    "it has \\n instead of line breaks, and quotes around it; in a shell: printf '%b\\n' \"$(tr -d '\\042\\047\\140' <FILE)\" >NEW; in code: value.trim().slice(1, -1).replaceAll('\\\\n', '\\n')",
  ],
  [
    'quotes around it',
    `'${pem}'\n`,
    "it has quotes around it; in a shell: tr -d '\\042\\047\\140' <FILE >NEW; in code: value.trim().slice(1, -1)",
  ],
  [
    'one line, as a shell makes it of a variable without quotes',
    oneLine,
    "it has lost its line breaks; in a shell: perl -pe 's/\\s*(-----(BEGIN|END) [A-Z0-9 ]+-----)\\s*/\\n$1\\n/g' FILE >NEW; in code: value.replaceAll(/\\s*(-----(?:BEGIN|END) [A-Z0-9 ]+-----)\\s*/g, '\\n$1\\n')",
  ],
  [
    'one line without spaces',
    pem.replaceAll('\n', ''),
    "it has lost its line breaks; in a shell: perl -pe 's/\\s*(-----(BEGIN|END) [A-Z0-9 ]+-----)\\s*/\\n$1\\n/g' FILE >NEW; in code: value.replaceAll(/\\s*(-----(?:BEGIN|END) [A-Z0-9 ]+-----)\\s*/g, '\\n$1\\n')",
  ],
  [
    'base64 on lines',
    pem.split('\n').slice(1, -2).join('\n'),
    "it is base64 of DER, without BEGIN and END lines; in a shell: base64 -d <FILE >NEW; in code: Buffer.from(value, 'base64')",
  ],
  [
    'base64 in one line',
    `${base64}\n`,
    "it is base64 of DER, without BEGIN and END lines; in a shell: base64 -d <FILE >NEW; in code: Buffer.from(value, 'base64')",
  ],
  [
    'base64 of PEM',
    Buffer.from(pem).toString('base64'),
    "it is base64 of PEM, as in a Kubernetes secret that was encoded twice; in a shell: base64 -d <FILE >NEW; in code: Buffer.from(value, 'base64')",
  ],
  [
    'percent-encoding, as nginx writes it into a header',
    encodeURIComponent(pem),
    "it is percent-encoded, as nginx encodes a certificate in a header; in a shell: perl -pe 's/%([0-9A-Fa-f]{2})/chr hex $1/ge' FILE >NEW; in code: decodeURIComponent(value)",
  ],
  ...['', '\\x'].map((prefix): [string, string, string] => [
    `hexadecimal digits, with "${prefix}" before them`,
    `${prefix}${der.toString('hex')}\n`,
    hexadecimal,
  ]),
  ['hexadecimal digits with colons', der.toString('hex').replaceAll(/..(?=.)/g, '$&:'), hexadecimal],
  [
    'gzip',
    gzipSync(pem),
    'it is compressed with gzip; in a shell: gunzip -c FILE >NEW; in code: zlib.gunzipSync(bytes)',
  ],
];

/** The certificate in PEM or DER. */
export function readBack(bytes: Buffer): Buffer | undefined {
  return bytes[0] === 0x30 ? bytes : parsePem(bytes, 'a.pem')[0]?.der;
}
