import { createPublicKey } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { MtlsError } from '../../../src/errors.js';
import { parseCertificateRequest } from '../../../src/x509/certificate-request.js';
import { verifySignature } from '../../../src/x509/signature.js';
import { toIndefinite } from '../../support/ber.js';
import { element, integer, octetString, oid, sequence, set } from '../../support/der-writer.js';
import { subjectAltName } from '../../support/extensions.js';
import { attributeTypes } from '../../support/chain.js';
import { distinguishedName, type NameOptions } from '../../support/names.js';
import { certificateRequest } from '../../support/request.js';
import { runs } from '../../support/runs.js';
import { createSigner, generateKey, publicKeyInfo } from '../../support/signing.js';

const privateKey = generateKey();
const extensionRequest = '1.2.840.113549.1.9.14';
const names = subjectAltName({ dns: ['bob.test'] }, false);
const attribute = (type: string, ...values: Buffer[]): Buffer => sequence(oid(type), set(...values));

interface Parts {
  /** The subject, or an element in its place. */
  readonly name?: NameOptions | Buffer;
  readonly version?: number;
  /** The attributes, or `undefined` for a request without the field. */
  readonly attributes?: readonly Buffer[] | undefined;
}

function request({ name = { commonName: 'bob' }, version = 0, ...rest }: Parts): Buffer {
  const attributes = 'attributes' in rest ? rest.attributes : [];
  return createSigner(privateKey, {}).signed(
    sequence(
      integer(version),
      Buffer.isBuffer(name) ? name : distinguishedName(name),
      publicKeyInfo(privateKey),
      ...(attributes === undefined ? [] : [element(0xa0, Buffer.concat(attributes))]),
    ),
  );
}

describe('a request is read', () => {
  test.each([
    ['with an empty set of attributes', []],
    ['without the set', undefined],
  ])('%s', (_, attributes) => {
    const { subject, extensions, extensionTypes, signed, publicKeyKind } = parseCertificateRequest(
      request({ attributes }),
    );
    expect(subject.toString()).toBe('CN=bob');
    expect(extensions).toBeUndefined();
    expect(extensionTypes).toStrictEqual([]);
    expect(publicKeyKind).toStrictEqual({ algorithm: 'ec', bits: 256 });
    expect(verifySignature(signed, createPublicKey(privateKey))).toBe(true);
    expect(verifySignature({ ...signed, bytes: Buffer.of(0) }, createPublicKey(privateKey))).toBe(false);
  });

  test.each([
    ['PKCS#9', extensionRequest],
    ['Microsoft', '1.3.6.1.4.1.311.2.1.14'],
  ])('with the extensions that it asks for as %s has it, and other attributes', (_, type) => {
    const other = attribute('1.2.840.113549.1.9.7', element(0x0c, Buffer.from('password')));
    const basicConstraints = sequence(
      oid('2.5.29.19'),
      octetString(sequence(element(0x01, Buffer.of(0xff)))),
    );
    const { extensions, extensionTypes } = parseCertificateRequest(
      request({ attributes: [other, attribute(type, sequence(names, basicConstraints))] }),
    );
    expect(extensions?.subjectAltNames).toStrictEqual([{ kind: 'dns', value: 'bob.test' }]);
    expect(extensions?.basicConstraints).toStrictEqual({ ca: true, pathLength: undefined });
    expect(extensionTypes).toStrictEqual(['2.5.29.17', '2.5.29.19']);
  });

  test.each(['bmp', 'teletex', 'universal', 'utf8', 'printable'] as const)('with a name in %s', (type) => {
    const value = 'bob';
    const name = [[{ oid: attributeTypes.commonName, type, value }]];
    expect(parseCertificateRequest(request({ name: { name } })).subject.toString()).toBe(`CN=${value}`);
  });
});

describe('a request is refused', () => {
  const extensions = attribute(extensionRequest, sequence(names));
  const good = request({ attributes: [extensions] });
  let nested: Buffer = Buffer.alloc(0);
  for (let depth = 0; depth < 100; depth++) nested = sequence(nested);
  test.each([
    ['of version 2', request({ version: 1 }), 'has a version other than 1'],
    ['with extensions twice', request({ attributes: [extensions, extensions] }), 'asks for extensions twice'],
    [
      'with an extension twice',
      request({ attributes: [attribute(extensionRequest, sequence(names, names))] }),
      'has the extension 2.5.29.17 twice',
    ],
    ['with bytes after it', Buffer.concat([good, Buffer.of(0)]), 'is not DER'],
    ['in BER', toIndefinite(good), 'is not DER'],
    [
      'with text that is not of its type',
      request({
        name: { name: [[{ oid: attributeTypes.commonName, type: 'utf8', value: Buffer.of(0xff) }]] },
      }),
      'is not DER',
    ],
    ['of any depth', request({ attributes: [attribute('1.2.3', nested)] }), 'cannot be parsed'],
    [
      'of any number of elements',
      request({ attributes: [attribute('1.2.3', sequence(...Array<Buffer>(10_001).fill(integer(1))))] }),
      'cannot be parsed',
    ],
    ['of nothing', Buffer.alloc(0), 'cannot be parsed'],
  ])('%s', (_, der, fault) => {
    expect(() => parseCertificateRequest(der)).toThrow(
      expect.objectContaining({
        code: 'ERR_MTLS_PEM_INVALID',
        message: expect.stringContaining(fault) as unknown,
      }),
    );
  });

  const readsOrRefuses = (bytes: Buffer): void => {
    try {
      parseCertificateRequest(bytes);
    } catch (error) {
      if (!(error instanceof MtlsError)) throw error;
    }
  };

  test('or read, with any element in the place of the name', () => {
    const contents = ['3030', '616263', '', '00', 'ff', '040141'].slice(0, runs(2));
    for (let tag = 0; tag < 256; tag++) {
      for (const content of contents) {
        const value = element(tag, Buffer.from(content, 'hex'));
        readsOrRefuses(
          request({ name: sequence(set(sequence(oid(attributeTypes.commonName), value))), attributes: [] }),
        );
      }
    }
  });

  test('or read, for any bytes', () => {
    const { der } = certificateRequest({ commonName: 'bob', sans: { dns: ['bob.test'] }, privateKey });
    const changed = fc
      .tuple(fc.nat(der.length - 1), fc.nat(255), fc.nat(der.length))
      .map(([at, octet, end]) => {
        const copy = Buffer.from(der);
        copy[at] = octet;
        return end < 50 ? copy.subarray(0, end * 4) : copy;
      });
    fc.assert(fc.property(changed, readsOrRefuses), { numRuns: runs(200) });
  });
});
