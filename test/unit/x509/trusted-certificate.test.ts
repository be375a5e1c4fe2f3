import { describe, expect, test } from '@jest/globals';
import { isTrustedFor, readTrustedCertificate } from '../../../src/x509/trusted-certificate.js';
import { parsePem } from '../../../src/x509/pem.js';
import { purposes } from '../../../src/x509/purpose.js';
import { ca } from '../../support/chain.js';
import {
  element,
  explicit,
  implicit,
  nullValue,
  octetString,
  oid,
  sequence,
  text,
} from '../../support/der-writer.js';
import { failureOf } from './failure.js';

const { der, pem } = ca('root');
const { clientAuth, serverAuth } = purposes;
const email = '1.3.6.1.5.5.7.3.4';
const any = '2.5.29.37.0';

const trusts = (...oids: string[]): Buffer => sequence(...oids.map(oid));
const rejects = (...oids: string[]): Buffer => implicit(0, trusts(...oids));
const read = (...settings: Buffer[]): ReturnType<typeof readTrustedCertificate> =>
  readTrustedCertificate(Buffer.concat([der, sequence(...settings)]));

describe('settings are read', () => {
  test.each<[what: string, settings: Buffer[], trusted: string[] | undefined, rejected: string[]]>([
    ['none', [], undefined, []],
    ['what it is trusted for', [trusts(clientAuth, email)], [clientAuth, email], []],
    ['an empty list', [trusts()], [], []],
    ['what it is rejected for', [rejects(serverAuth)], undefined, [serverAuth]],
    ['both', [trusts(clientAuth), rejects(serverAuth, email)], [clientAuth], [serverAuth, email]],
    ['a name', [text('utf8', 'my CA')], undefined, []],
    ['a key identifier', [octetString(Buffer.alloc(20))], undefined, []],
    ['the rest', [explicit(1, sequence(oid('1.2.3')))], undefined, []],
    [
      'all',
      [
        trusts(email),
        rejects(email),
        text('utf8', 'my CA'),
        octetString(Buffer.alloc(20)),
        explicit(1, nullValue()),
      ],
      [email],
      [email],
    ],
  ])('%s', (_what, settings, trusted, rejected) => {
    expect(read(...settings)).toEqual({ certificate: der, trusted, rejected });
  });

  test('where nothing is behind the certificate', () => {
    expect(readTrustedCertificate(der)).toEqual({ certificate: der, trusted: undefined, rejected: [] });
  });
});

describe('what is not as OpenSSL writes it is refused', () => {
  const twice = sequence();
  test.each<[what: string, bytes: Buffer]>([
    ['nothing', Buffer.alloc(0)],
    ['no certificate', element(0x31, Buffer.alloc(0))],
    ['settings of another tag', Buffer.concat([der, octetString(Buffer.alloc(0))])],
    ['settings twice', Buffer.concat([der, twice, twice])],
    ['settings in another order', Buffer.concat([der, sequence(rejects(email), trusts(email))])],
    ['a setting of another tag', Buffer.concat([der, sequence(nullValue())])],
    ['a purpose that is none', Buffer.concat([der, sequence(sequence(nullValue()))])],
    ['a rejected purpose that is none', Buffer.concat([der, sequence(explicit(0, nullValue()))])],
  ])('%s', (_what, bytes) => {
    const { code, message } = failureOf(() => readTrustedCertificate(bytes));
    expect(code).toBe('ERR_MTLS_PEM_INVALID');
    expect(message).toMatch(
      /^TRUSTED CERTIFICATE .*; it is damaged or not a DER-encoded TRUSTED CERTIFICATE$/,
    );
  });
});

describe('a certificate is trusted for clients', () => {
  test.each<[what: string, settings: Buffer[], expected: boolean]>([
    ['without settings', [], true],
    ['with a name alone', [text('utf8', 'my CA')], true],
    ['where it is trusted for them', [trusts(email, clientAuth)], true],
    ['where it is trusted for anything', [trusts(any)], true],
    ['where it is trusted for others', [trusts(serverAuth)], false],
    ['where it is trusted for nothing', [trusts()], false],
    ['where it is rejected for others', [rejects(serverAuth)], true],
    ['where it is rejected for them', [rejects(email, clientAuth)], false],
    ['where it is rejected for anything', [rejects(any)], false],
    ['where it is trusted and rejected for them', [trusts(clientAuth), rejects(clientAuth)], false],
    ['where it is trusted for them and rejected for anything', [trusts(clientAuth), rejects(any)], false],
  ])('%s: %#', (_what, settings, expected) => {
    expect(isTrustedFor(read(...settings), clientAuth)).toBe(expected);
  });
});

test('a certificate alone, in PEM of another label, is none of these', () => {
  expect(
    readTrustedCertificate(parsePem(Buffer.from(pem), 'ca.pem')[0]?.der ?? Buffer.alloc(0)).certificate,
  ).toEqual(der);
});
