import { describe, expect, test } from '@jest/globals';
import { readPercentPem, readSpacedPem } from '../../../src/forwarded/pem-text.js';
import { ca } from '../../support/chain.js';
import { pem } from '../../support/der-writer.js';
import { apacheValue, awsValue, envoyPem, nginxValue, pemOf } from '../../support/forwarded.js';
import { failureOf } from '../x509/failure.js';

const root = ca({ commonName: 'root', key: 'rsa2048' });
const { der } = root;
// One whose base64 has what the encodings treat differently, so that the tests test it.
const { der: leaf } = root;

test('the sample has a plus, a slash and an equals sign in its base64', () => {
  expect(new Set(['+', '/'].filter((digit) => leaf.toString('base64').includes(digit))).size).toBe(2);
});

describe('percent-encoded PEM', () => {
  test.each([
    ['as nginx writes it', nginxValue(leaf)],
    ['as AWS does, which leaves +, = and / as they are', awsValue(leaf)],
    ['as Envoy does', envoyPem(leaf)],
    [
      'with escapes in lower case',
      nginxValue(leaf).replaceAll(/%[0-9A-F]{2}/g, (escape) => escape.toLowerCase()),
    ],
    ['with every character escaped', `%${Buffer.from(pemOf(leaf)).toString('hex').match(/../g)?.join('%')}`],
    ['without the last line break', nginxValue(leaf).replace(/%0A$/, '')],
    [
      'in lines of another length',
      encodeURIComponent(
        pemOf(leaf)
          .replace(/\n/, '\n')
          .replace(/(.{64})\n(.{64})/, '$1$2'),
      ),
    ],
  ])('is read %s', (_what, value) => {
    expect(readPercentPem(value)).toEqual([leaf]);
  });

  test.each([
    ['an escape without digits', (value: string) => `${value}%`, 'has "%" at character'],
    ['an escape with one digit', (value: string) => `${value}%0`, 'has "%0" at character'],
    ['an escape of no digits', (value: string) => value.replace('%0A', '%0G'), 'has "%0G'],
    ['an escape beyond ASCII', (value: string) => `${value}%C3%BC`, 'has "%C3%BC" at character'],
    ['a plus for a space', (value: string) => value.replace('%20', '+'), 'where a certificate begins'],
    [
      'a space that is not escaped',
      (value: string) => value.replace('%20', ' '),
      'has " CERTIFI" at character 10',
    ],
    ['text in front', (value: string) => `a%0A${value}`, 'where a certificate begins'],
    ['a line break in front', (value: string) => `%0A${value}`, 'where a certificate begins'],
    ['text behind', (value: string) => `${value}a`, 'where a certificate begins'],
    ['text behind the last line', (value: string) => value.replace(/%0A$/, 'a'), 'after a PEM block'],
    ['a line break too many behind', (value: string) => `${value}%0A`, 'where a certificate begins'],
    ['text between blocks', (value: string) => `${value}and%0A${value}`, 'where a certificate begins'],
    ['no end', (value: string) => value.replace('-END', '-ENT'), 'has a PEM block without its end'],
    ['a body that is cut off', (value: string) => value.replace(/(%0A)[^%]{9}/, '$1'), 'has '],
    ['the escapes twice', (value: string) => encodeURIComponent(value), 'where a certificate begins'],
  ])('%s is refused', (_what, change, seen) => {
    const { code, seen: told } = failureOf(() => readPercentPem(change(nginxValue(leaf))));
    expect(code).toBe('ERR_MTLS_CERTIFICATE_INVALID');
    expect(told).toContain(seen);
  });

  test.each(['X509 CERTIFICATE', 'TRUSTED CERTIFICATE', 'CERTIFICATE REQUEST', 'PRIVATE KEY', 'PKCS7'])(
    'a block of another label is refused: %s',
    (label) => {
      const value = encodeURIComponent(pem(label, der));
      expect(failureOf(() => readPercentPem(value)).seen).toContain('where a certificate begins');
    },
  );
});

describe('PEM with spaces for line breaks', () => {
  test.each([
    ['as Apache writes it', apacheValue(leaf)],
    ['with the space at the end', `${apacheValue(leaf)} `],
  ])('is read %s', (_what, value) => {
    expect(readSpacedPem(value)).toEqual([leaf]);
  });

  test('of several certificates is read', () => {
    expect(readSpacedPem(apacheValue(leaf, der, leaf))).toEqual([leaf, der, leaf]);
  });

  test.each([
    ['line breaks', pemOf(leaf)],
    ['tabs', apacheValue(leaf).replaceAll(' ', '\t')],
    ['text in front', `a ${apacheValue(leaf)}`],
    ['text behind', `${apacheValue(leaf)} a`],
    ['no space between blocks', apacheValue(leaf) + apacheValue(leaf)],
    ['two spaces between blocks', `${apacheValue(leaf)}  ${apacheValue(leaf)}`],
    ['no END line', apacheValue(leaf).replace(/ -----END.*/, '')],
    ['no body', '-----BEGIN CERTIFICATE----- -----END CERTIFICATE-----'],
    ['an empty body', '-----BEGIN CERTIFICATE-----  -----END CERTIFICATE-----'],
    ['percent-encoded PEM', nginxValue(leaf)],
    ['base64 alone', leaf.toString('base64')],
  ])('%s is refused', (_what, value) => {
    expect(failureOf(() => readSpacedPem(value)).code).toBe('ERR_MTLS_CERTIFICATE_INVALID');
  });
});
