import { runInNewContext } from 'node:vm';
import { describe, expect, test } from '@jest/globals';
import { findFileForm, remedyOf } from '../../../src/x509/file-form.js';
import { parsePem } from '../../../src/x509/pem.js';
import { der, forms, pem, readBack } from '../../support/file-forms.js';
import { failureOf } from './failure.js';
import { fastestTurn } from '../../support/cpu-time.js';

const base64 = der.toString('base64');

test.each(forms)('%s is named, with the conversion to PEM or DER', (_form, bytes, seen) => {
  const form = findFileForm(Buffer.from(bytes));
  expect(form && `${form.seen}; ${remedyOf(form)}`).toBe(seen);
});

test.each(forms)('the conversion of %s in code works', (_form, bytes) => {
  const { code = '' } = findFileForm(Buffer.from(bytes)) ?? {};
  const zlib = { gunzipSync: () => pem };
  const made: unknown = runInNewContext(code, {
    value: String(bytes),
    bytes: Buffer.from(bytes),
    Buffer,
    zlib,
  });
  expect(readBack(Buffer.from(made as string))).toEqual(der);
});

const html =
  'it is HTML or XML, such as a login page or an error page; check the answer of the server, and fetch the file itself';
const json = 'it is JSON; in a shell: jq -r .FIELD FILE >NEW; in code: JSON.parse(value).field';
const ssh = 'it is an SSH public key, not X.509; use a certificate of a CA, or the private key of one';
const pgp = 'it is OpenPGP, not X.509; use a certificate, a key or a CRL of a CA';
const keystore =
  'it is a Java keystore; in a shell: keytool -importkeystore -srckeystore FILE -destkeystore NEW.p12 -deststoretype PKCS12, and then openssl pkcs12 -in NEW.p12 -out NEW.pem';
const utf32 = 'it is text in UTF-32, but PEM is ASCII; in a shell: iconv -f UTF-32 -t UTF-8 FILE >NEW';
const manifest =
  "it is a Kubernetes manifest; in a shell: kubectl get secret NAME -o jsonpath='{.data.ca\\.crt}' | base64 -d >NEW";
const description =
  'it is a description, as "openssl x509 -text" prints it; use the file that it describes; without -noout, OpenSSL prints the PEM too';
const dashes = 'its dashes were replaced, as word processors and mail programs do; use the original file';
const ber = 'it is BER with indefinite lengths, not DER; write it again as DER or PEM';

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
    'it is a PuTTY private key; export it with PuTTYgen as an OpenSSH key, and convert that: ssh-keygen -p -m PKCS8 -f COPY',
  ],
  ['a keystore', Buffer.from('feedfeed00000002', 'hex'), keystore],
  ['a keystore of another kind', Buffer.from('cececece00000002', 'hex'), keystore],
  ['an archive', 'PK\u0003\u0004', 'it is a ZIP archive; in a shell: unzip FILE'],
  ['zeros', Buffer.alloc(100), 'it contains only zeros; write the file again'],
  ['UTF-32', Buffer.from('fffe00002d000000', 'hex'), utf32],
  ['UTF-32, most significant byte first', Buffer.from('0000feff0000002d', 'hex'), utf32],
  ['BER', Buffer.from('30800201030000', 'hex'), ber],
  ['a manifest', 'apiVersion: v1\nkind: Secret\ndata:\n  ca.crt: LS0t\n', manifest],
  ['a manifest that begins otherwise', '# a\nkind: Secret\n', manifest],
  [
    'a pointer of Git LFS',
    'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n',
    'it is a pointer of Git LFS, not the file; in a shell: git lfs pull',
  ],
  [
    'a file of Ansible Vault',
    '$ANSIBLE_VAULT;1.1;AES256\n3131\n',
    'it is encrypted with Ansible Vault; in a shell: ansible-vault decrypt --output NEW FILE',
  ],
  [
    'a file of age',
    'age-encryption.org/v1\n-> X25519 a\n',
    'it is encrypted with age; in a shell: age --decrypt -i IDENTITY -o NEW FILE',
  ],
  ['the text of a certificate', 'Certificate:\n    Data:\n        Version: 3 (0x2)\n', description],
  ['the text of a CRL', 'Certificate Revocation List (CRL):\n        Version 2 (0x1)\n', description],
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
  expect(form && `${form.seen}; ${remedyOf(form)}`).toBe(seen);
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

test('the form of a large file is recognised quickly by its beginning', () => {
  const find = (): void => {
    for (const part of [' ', '\n', 'A', 'A ', '<', '"', '-----BEGIN ', '\\n', 'ssh-', '[', '\xe2'])
      findFileForm(Buffer.from(`${part.repeat(200_000 / part.length)}!`));
    expect(findFileForm(Buffer.from('A'.repeat(70_000) + '!'))).toBeUndefined();
    expect(findFileForm(Buffer.from(`${base64.slice(0, 100)}\n`.repeat(700) + '!'))?.seen).toContain(
      'base64',
    );
  };
  expect(fastestTurn(find, 3)).toBeLessThan(1000);
});
