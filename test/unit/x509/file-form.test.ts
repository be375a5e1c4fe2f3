import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { describeFileForm, findFileForm } from '../../../src/x509/file-form.js';
import { parsePem } from '../../../src/x509/pem.js';
import { ca } from '../../support/chain.js';
import { temporaryDirectory, writeMaterial } from '../../support/files.js';
import { failureOf } from './failure.js';

const root = ca('root');
const { pem, der } = root;
const base64 = der.toString('base64');
const littleEndian = Buffer.from(pem, 'utf16le');
const bigEndian = Buffer.from(littleEndian).swap16();
const oneLine = pem.replaceAll('\n', ' ');

/** Where each form comes from, as bytes, and what is said of it. */
const forms: readonly [form: string, bytes: Buffer | string, seen: string][] = [
  [
    'UTF-16 with a byte order mark',
    Buffer.concat([Buffer.of(0xff, 0xfe), littleEndian]),
    "it is text in UTF-16, and PEM is ASCII; in a shell: iconv -f UTF-16 -t UTF-8 FILE >NEW; in code: bytes.toString('utf16le')",
  ],
  [
    'UTF-16, most significant byte first, with a byte order mark',
    Buffer.concat([Buffer.of(0xfe, 0xff), bigEndian]),
    "it is text in UTF-16, and PEM is ASCII; in a shell: iconv -f UTF-16 -t UTF-8 FILE >NEW; in code: bytes.swap16().toString('utf16le')",
  ],
  [
    'UTF-16 without a byte order mark',
    littleEndian,
    "it is text in UTF-16LE, and PEM is ASCII; in a shell: iconv -f UTF-16LE -t UTF-8 FILE >NEW; in code: bytes.toString('utf16le')",
  ],
  [
    'UTF-16, most significant byte first, without a byte order mark',
    bigEndian,
    "it is text in UTF-16BE, and PEM is ASCII; in a shell: iconv -f UTF-16BE -t UTF-8 FILE >NEW; in code: bytes.swap16().toString('utf16le')",
  ],
  [
    'lines that are indented',
    pem.replaceAll(/^(?=.)/gm, ' \t '),
    "it is indented, and a BEGIN line must not be; in a shell: sed 's/^[[:space:]]*//' FILE >NEW; in code: value.replaceAll(/^[ \\t]+/gm, '')",
  ],
  [
    'a value of YAML, with its name',
    `ca: |\n${pem.replaceAll(/^(?=.)/gm, '  ')}`,
    "it is indented, and a BEGIN line must not be; in a shell: sed 's/^[[:space:]]*//' FILE >NEW; in code: value.replaceAll(/^[ \\t]+/gm, '')",
  ],
  [
    'lines that are quoted, as in a mail',
    pem.replaceAll(/^(?=.)/gm, '> '),
    'its lines have something in front of them, such as "> " or "# "; in a shell: sed \'s/^[>#; ]*//\' FILE >NEW; in code: value.replaceAll(/^[>#; ]+/gm, \'\')',
  ],
  [
    'line breaks as a variable has them',
    pem.replaceAll('\n', '\\n'),
    "it has \\n in place of line breaks; in a shell: printf '%b\\n' \"$(cat FILE)\" >NEW; in code: value.replaceAll('\\\\n', '\\n')",
  ],
  [
    'line breaks of Windows as a variable has them',
    pem.replaceAll('\n', '\\r\\n'),
    "it has \\n in place of line breaks; in a shell: printf '%b\\n' \"$(cat FILE)\" >NEW; in code: value.replaceAll('\\\\r', '').replaceAll('\\\\n', '\\n')",
  ],
  [
    'a string of a program',
    JSON.stringify(pem),
    "it has \\n in place of line breaks, and quotes around it; in a shell: printf '%b\\n' \"$(tr -d '\\042\\047\\140' <FILE)\" >NEW; in code: value.trim().slice(1, -1).replaceAll('\\\\n', '\\n')",
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
    "it is the base64 of DER, without the lines BEGIN and END; in a shell: base64 -d <FILE >NEW; in code: Buffer.from(value, 'base64')",
  ],
  [
    'base64 in one line',
    `${base64}\n`,
    "it is the base64 of DER, without the lines BEGIN and END; in a shell: base64 -d <FILE >NEW; in code: Buffer.from(value, 'base64')",
  ],
  [
    'base64 of PEM',
    Buffer.from(pem).toString('base64'),
    "it is the base64 of PEM, as a Kubernetes secret has it that was encoded twice; in a shell: base64 -d <FILE >NEW; in code: Buffer.from(value, 'base64')",
  ],
  [
    'gzip',
    gzipSync(pem),
    'it is compressed by gzip; in a shell: gunzip -c FILE >NEW; in code: zlib.gunzipSync(bytes)',
  ],
];

test.each(forms)('%s is named, with what makes PEM or DER of it', (_form, bytes, seen) => {
  const form = findFileForm(Buffer.from(bytes));
  expect(form && describeFileForm(form)).toBe(seen);
});

test.each(forms)('what is to be done about %s in a shell does it', (_form, bytes) => {
  const { command = 'false' } = findFileForm(Buffer.from(bytes)) ?? {};
  const directory = temporaryDirectory();
  const { file } = writeMaterial(directory, { file: Buffer.from(bytes) });
  const written = join(directory, 'new');
  const { status, stderr } = spawnSync('sh', ['-c', command.replace('FILE', file).replace('NEW', written)], {
    encoding: 'utf8',
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(read(readFileSync(written))).toEqual(der);
});

test.each(forms)('what is to be done about %s in code does it', (_form, bytes) => {
  const { code = '' } = findFileForm(Buffer.from(bytes)) ?? {};
  const zlib = { gunzipSync: () => pem };
  const made: unknown = runInNewContext(code, {
    value: String(bytes),
    bytes: Buffer.from(bytes),
    Buffer,
    zlib,
  });
  expect(read(Buffer.from(made as string))).toEqual(der);
});

/** The certificate in PEM or DER. */
function read(bytes: Buffer): Buffer | undefined {
  return bytes[0] === 0x30 ? bytes : parsePem(bytes, 'a.pem')[0]?.der;
}

const html =
  'it is HTML or XML, such as a page that asks for a login or tells of an error; look at what the server answered, and fetch the file itself';
const json = 'it is JSON; in a shell: jq -r .FIELD FILE >NEW; in code: JSON.parse(value).field';
const ssh =
  'it is a public key of SSH, and no X.509; give a certificate of a CA, or the private key that belongs to one';
const pgp = 'it is OpenPGP, and no X.509; give a certificate, a key or a CRL of a CA';
const keystore =
  'it is a Java keystore; in a shell: keytool -importkeystore -srckeystore FILE -destkeystore NEW.p12 -deststoretype PKCS12, and then openssl pkcs12 -in NEW.p12 -out NEW.pem';
const utf32 = 'it is text in UTF-32, and PEM is ASCII; in a shell: iconv -f UTF-32 -t UTF-8 FILE >NEW';
const manifest =
  "it is a manifest of Kubernetes; in a shell: kubectl get secret NAME -o jsonpath='{.data.ca\\.crt}' | base64 -d >NEW";
const dashes =
  'its dashes were replaced, as word processors and mail programs do it; take the file from where it was made';
const ber = 'it is BER with indefinite lengths, and not DER; have it written anew, as DER or PEM';

test.each<[form: string, bytes: Buffer | string, seen: string]>([
  ['a page', '\n<!DOCTYPE html>\n<html><body>Log in</body></html>', html],
  ['a page without a type', '<html lang="en">', html],
  ['XML', '\ufeff<?xml version="1.0"?>', html],
  ['a page in capitals', '<HTML>', html],
  ['JSON', `{"certificate":${JSON.stringify(pem)}}`, json],
  ['JSON on lines', '{\n  "a": 1\n}', json],
  ['an array of JSON', '[{"x5c":[]}]', json],
  ['an empty object', ' {}', json],
  ['an empty array', '[ ]', json],
  ['an array of strings', '["a"]', json],
  ['a key of SSH', 'ssh-ed25519 AAAAC3Nz a@b', ssh],
  ['a key of SSH on a curve', 'ecdsa-sha2-nistp256 AAAAE2Vj', ssh],
  ['a key of SSH in hardware', 'sk-ssh-ed25519@openssh.com AAAAGnNr', ssh],
  ['a key of SSH in the form of RFC 4716', '---- BEGIN SSH2 PUBLIC KEY ----\nAAAA', ssh],
  ['a public key of PGP', '-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmQ==\n=abcd\n', pgp],
  ['a mail signed by PGP', 'Hi\n-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n', pgp],
  [
    'a key of PuTTY',
    'PuTTY-User-Key-File-3: ssh-rsa\n',
    'it is a private key of PuTTY; have PuTTYgen export it as an OpenSSH key, and convert that: ssh-keygen -p -m PKCS8 -f COPY',
  ],
  ['a keystore', Buffer.from('feedfeed00000002', 'hex'), keystore],
  ['a keystore of another kind', Buffer.from('cececece00000002', 'hex'), keystore],
  ['an archive', 'PK\u0003\u0004', 'it is a ZIP archive; in a shell: unzip FILE'],
  ['zeros', Buffer.alloc(100), 'it has nothing in it but zeros; write the file anew'],
  ['UTF-32', Buffer.from('fffe00002d000000', 'hex'), utf32],
  ['UTF-32, most significant byte first', Buffer.from('0000feff0000002d', 'hex'), utf32],
  ['BER', Buffer.from('30800201030000', 'hex'), ber],
  ['a manifest', 'apiVersion: v1\nkind: Secret\ndata:\n  ca.crt: LS0t\n', manifest],
  ['a manifest that begins otherwise', '# a\nkind: Secret\n', manifest],
  ['dashes of a word processor', '—–BEGIN CERTIFICATE—–\n', dashes],
  ['hyphens of a word processor', '‐‐‐‐‐ BEGIN CERTIFICATE‐‐‐‐‐\n', dashes],
  ['minus signs', '−−−−−BEGIN CERTIFICATE−−−−−\n', dashes],
  [
    'one line, indented, with a byte order mark',
    `\ufeff"${pem}"`,
    "it has quotes around it; in a shell: tr -d '\\042\\047\\140' <FILE >NEW; in code: value.trim().slice(1, -1)",
  ],
])('%s is named', (_form, bytes, seen) => {
  const form = findFileForm(Buffer.from(bytes));
  expect(form && describeFileForm(form)).toBe(seen);
  expect(failureOf(() => parsePem(Buffer.from(bytes), 'ca.pem')).message).toBe(`ca.pem: ${seen}`);
});

describe('no form is named', () => {
  test.each<[what: string, bytes: Buffer | string]>([
    ['of PEM', pem],
    ['of DER', der],
    ['of nothing', ''],
    ['of text', 'hello'],
    ['of half a file', pem.slice(0, 200)],
    ['of a file that lost its beginning', pem.slice(100)],
    ['of base64 that is no DER', Buffer.alloc(300, 0x31).toString('base64')],
    ['of base64 that is too short for anything', 'MIIBaTCCAQ+gAwIBAgIPa6rsuJGr'],
    [
      'of base64 of a short SEQUENCE',
      Buffer.concat([Buffer.of(0x30, 0x10), Buffer.alloc(40)]).toString('base64'),
    ],
    ['of base64 with something else in it', `${base64}!`],
    ['of base64 with something else before it', `!${base64}`],
    ['of PEM behind a text like a manifest', `kind: CA\n${pem.slice(0, 100)}`],
    ['of PEM behind a text like a page', `<ca>\n${pem.slice(0, 100)}`],
    ['of PEM behind a commented one', `# -----BEGIN CERTIFICATE-----\n${pem.slice(0, 100)}`],
    ['of text in brackets', '[ca]\nname = a'],
    ['of text in braces', '{ca}'],
    ['of UTF-8', 'Ünïcödé BEGIN '],
    ['of a few zeros', Buffer.from('000041', 'hex')],
    ['of one letter and a zero', Buffer.from('41000000', 'hex')],
    ['of a sentence about SSH', 'use ssh-ed25519 AAAA'],
    ['of gzip within a file', Buffer.from('001f8b', 'hex')],
    ['of BER within a file', Buffer.from('003080', 'hex')],
    ['of a long line before dashes', `${'a'.repeat(21)}-----BEGIN A-----`],
    ['of dashes before dashes', '------BEGIN A-----'],
  ])('%s', (_what, bytes) => {
    expect(findFileForm(Buffer.from(bytes))).toBeUndefined();
  });
});

test('the form of a large file is told by its beginning, soon', () => {
  const start = performance.now();
  for (const part of [' ', '\n', 'A', 'A ', '<', '"', '-----BEGIN ', '\\n', 'ssh-', '[', '\xe2'])
    findFileForm(Buffer.from(`${part.repeat(8_000_000 / part.length)}!`));
  expect(findFileForm(Buffer.from('A'.repeat(70_000) + '!'))).toBeUndefined();
  expect(findFileForm(Buffer.from(`${base64.slice(0, 100)}\n`.repeat(700) + '!'))?.seen).toContain('base64');
  expect(performance.now() - start).toBeLessThan(3000);
});
