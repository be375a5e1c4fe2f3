import { describe, expect, test } from '@jest/globals';
import { type MtlsError } from '../../../src/errors.js';
import { verifyCrl } from '../../../src/revocation/verify-crl.js';
import { type Certificate } from '../../../src/x509/certificate.js';
import { parseCrl } from '../../../src/x509/crl.js';
import { ca, type CertificateOptions } from '../../support/chain.js';
import type { CrlOptions } from '../../support/crl.js';
import { enumerated, generalizedTime, integer, nullValue, oid, sequence } from '../../support/der-writer.js';
import type { ExtraExtension } from '../../support/extensions.js';
import { failureOf } from '../x509/failure.js';
import { storeOf } from '../../support/lists.js';

interface Encoded {
  readonly der: Buffer;
}

function verify(
  crl: Encoded,
  cas: readonly Encoded[],
  weakSignature: 'deny' | 'allow' = 'deny',
): Certificate {
  return verifyCrl(parseCrl(crl.der), { store: storeOf(...cas), weakSignature, origin: 'east.crl' });
}

function fault(crl: Encoded, cas: readonly Encoded[], weak: 'deny' | 'allow' = 'deny'): MtlsError {
  return failureOf(() => verify(crl, cas, weak));
}

const root = ca('root');
const rsa = ca({ commonName: 'rsa', key: 'rsa2048' });

describe('a CRL is accepted', () => {
  test.each<[string, CertificateOptions]>([
    ['ECDSA on P-256', { key: 'p256' }],
    ['ECDSA on P-384 with SHA-384', { key: 'p384', hash: 'sha384' }],
    ['ECDSA on P-521 with SHA-512', { key: 'p521', hash: 'sha512' }],
    ['RSA', { key: 'rsa2048' }],
    ['RSA-PSS', { key: 'rsa2048', pss: true }],
    ['Ed25519', { key: 'ed25519' }],
    ['Ed448', { key: 'ed448' }],
  ])('signed by its CA with %s', (_algorithm, { key, hash = 'sha256', pss = false }) => {
    const signer = ca({ commonName: 'signer', key: key!, hash, pss });
    expect(verify(signer.crl({ hash, pss }), [root, signer]).raw).toEqual(signer.der);
  });

  test.each<[string, CertificateOptions]>([
    ['whose CA has no keyUsage', { keyUsage: null }],
    ['whose CA may sign CRLs alone', { keyUsage: ['cRLSign'] }],
    ['whose CA has no key identifier', { subjectKeyId: false }],
    ['whose CA is of version 1', { version: 1 }],
  ])('%s', (_what, options) => {
    const signer = ca(options);
    expect(verify(signer.crl(), [signer]).raw).toEqual(signer.der);
  });

  test('without the identifier of its key', () => {
    expect(verify(root.crl({ authorityKeyId: false }), [root]).raw).toEqual(root.der);
  });

  test('of an intermediate CA', () => {
    const east = root.intermediate('east');
    expect(verify(east.crl(), [root, east]).raw).toEqual(east.der);
  });

  test('whose issuer spells the name of its CA differently', () => {
    const spelt = ca('  ROOT ').subject;
    expect(verify(root.crl({ issuerName: spelt }), [root]).raw).toEqual(root.der);
  });

  test.each([true, false])(
    'of the one of two CAs of a name whose key signed it (key identifiers: %p)',
    (ids) => {
      const first = ca({ commonName: 'twin', subjectKeyId: ids });
      const second = ca({ commonName: 'twin', subjectKeyId: ids });
      for (const twin of [first, second]) {
        const crl = twin.crl({ authorityKeyId: ids });
        expect(verify(crl, [first, second]).raw).toEqual(twin.der);
        expect(verify(crl, [second, first]).raw).toEqual(twin.der);
      }
    },
  );
});

describe('a CRL is rejected', () => {
  test('of a CA that is not configured', () => {
    const { code, message } = fault(ca('stranger').crl(), [root, rsa]);
    expect(code).toBe('ERR_MTLS_CRL_ISSUER_UNKNOWN');
    expect(message).toBe(
      'east.crl: the CRL is of "CN=stranger", which is not one of the configured CAs ("CN=root", "CN=rsa"); add that CA or remove the CRL',
    );
  });

  test('of a CA whose keyUsage lacks cRLSign', () => {
    const signer = ca({ commonName: 'signer', keyUsage: ['keyCertSign'] });
    const { code, message } = fault(signer.crl(), [signer]);
    expect(code).toBe('ERR_MTLS_CRL_ISSUER_UNKNOWN');
    expect(message).toBe(
      'east.crl: no configured CA can have signed the CRL of "CN=signer": the CA of that name has a keyUsage without cRLSign; reissue its certificate with cRLSign, or add the certificate that signs its CRLs to options.ca',
    );
  });

  test('that names another key', () => {
    const { code, message } = fault(root.crl({ authorityKeyId: Buffer.alloc(20, 1) }), [root]);
    expect(code).toBe('ERR_MTLS_CRL_ISSUER_UNKNOWN');
    expect(message).toMatch(
      /^east\.crl: .*"CN=root": the CA of that name has another key identifier; fetch the CRL again, or add the CA whose key signed it to options\.ca$/,
    );
  });

  test('of two CAs with its name, neither of which can have signed it', () => {
    const mayNot = ca({ commonName: 'twin', keyUsage: ['keyCertSign'] });
    const isAnother = ca('twin');
    const { code, message } = fault(mayNot.crl(), [mayNot, isAnother]);
    expect(code).toBe('ERR_MTLS_CRL_ISSUER_UNKNOWN');
    expect(message).toContain('has another key identifier');
  });

  test.each([
    ['by another key', root.crl({ signWith: ca().privateKey })],
    ['by a key of another kind', root.crl({ signWith: rsa.privateKey })],
    ['by a CA of the same name', ca('root').crl({ authorityKeyId: false })],
  ])('that is signed %s', (_how, crl) => {
    const { code, message } = fault(crl, [root]);
    expect(code).toBe('ERR_MTLS_CRL_SIGNATURE_INVALID');
    expect(message).toBe(
      'east.crl: the signature of the CRL of "CN=root" was not made with the key of that CA; it is forged, damaged, or by another CA with the same name: fetch it again, or add the CA that signed it to options.ca',
    );
  });

  test('with a changed octet', () => {
    const { der } = root.crl({ revoked: [{ serial: '5a5a5a5a' }] });
    const place = der.indexOf(Buffer.from('5a5a5a5a', 'hex'));
    der[place] = 0x5b;
    expect(fault({ der }, [root]).code).toBe('ERR_MTLS_CRL_SIGNATURE_INVALID');
  });

  test.each([
    ['MD5', { hash: 'md5' }],
    ['SHA1', { hash: 'sha1' }],
    ['SHA1', { hash: 'sha1', pss: true }],
  ] as const)('that is signed with %s (%p), unless the policy allows it', (name, options) => {
    const crl = rsa.crl(options);
    const { code, message } = fault(crl, [rsa]);
    expect(code).toBe('ERR_MTLS_CRL_UNSUPPORTED');
    expect(message).toBe(
      `east.crl: the CRL of "CN=rsa" is signed with ${name}, which can be forged; set "default_md = sha256" in the CA's .cnf and run "openssl ca -gencrl" again, or accept it with revocation.weakSignature: 'allow'`,
    );
    expect(verify(crl, [rsa], 'allow').raw).toEqual(rsa.der);
    const forged = rsa.crl({ ...options, signWith: ca({ key: 'rsa2048' }).privateKey });
    expect(fault(forged, [rsa], 'allow').code).toBe('ERR_MTLS_CRL_SIGNATURE_INVALID');
  });

  test('that is signed with an unknown algorithm', () => {
    const { der } = root.crl();
    const known = oid('1.2.840.10045.4.3.2');
    for (let place = der.indexOf(known); place >= 0; place = der.indexOf(known, place + 1))
      oid('1.2.840.10045.4.3.9').copy(der, place);
    const { code, message } = fault({ der }, [root], 'allow');
    expect(code).toBe('ERR_MTLS_CRL_UNSUPPORTED');
    expect(message).toBe(
      'east.crl: the CRL of "CN=root" is signed with the algorithm 1.2.840.10045.4.3.9; use RSA, RSA-PSS, ECDSA or EdDSA',
    );
  });

  const extraExtensions = [{ oid: '1.3.6.1.4.1.99999.1', critical: true, value: nullValue() }];
  test.each([
    ['the list', root.crl({ extraExtensions })],
    ['an entry', root.crl({ revoked: [{ serial: '0a' }, { serial: '0b', extraExtensions }] })],
    ['the list of a CA that is not configured', ca('root').crl({ extraExtensions })],
  ])('that has an unknown critical extension in %s', (_where, crl) => {
    const { code, message } = fault(crl, [root]);
    expect(code).toBe('ERR_MTLS_CRL_UNSUPPORTED');
    expect(message).toBe(
      'east.crl: the CRL of "CN=root" has the critical extension 1.3.6.1.4.1.99999.1, which is not supported, and such a CRL must not be used (RFC 5280 section 5.2); have the CA leave it out',
    );
  });

  const critical = (type: string, value: Buffer): ExtraExtension => ({ oid: type, critical: true, value });
  const reason = critical('2.5.29.21', enumerated(1));
  const date = critical('2.5.29.24', generalizedTime(new Date(0)));
  test.each<[string, string, CrlOptions]>([
    [
      'cRLNumber (2.5.29.20)',
      '5.2.3',
      { number: null, extraExtensions: [critical('2.5.29.20', integer(5))] },
    ],
    ['freshestCRL (2.5.29.46)', '5.2.6', { extraExtensions: [critical('2.5.29.46', sequence())] }],
    ['reasonCode (2.5.29.21)', '5.3.1', { revoked: [{ serial: '0a', extraExtensions: [reason] }] }],
    ['invalidityDate (2.5.29.24)', '5.3.2', { revoked: [{ serial: '0a', extraExtensions: [date] }] }],
  ])('with a critical %s, which section %s forbids', (name, section, crlOptions) => {
    const { code, message } = fault(root.crl(crlOptions), [root]);
    expect(code).toBe('ERR_MTLS_CRL_UNSUPPORTED');
    expect(message).toBe(
      `east.crl: the CRL of "CN=root" has the critical extension ${name}, which must not be critical (RFC 5280 section ${section}), and with which OpenSSL would refuse every client; have the CA write it as not critical`,
    );
  });

  test('but not for an unknown extension that is not critical', () => {
    const crl = root.crl({ extraExtensions: [{ oid: '1.3.6.1.4.1.99999.1', value: nullValue() }] });
    expect(verify(crl, [root]).raw).toEqual(root.der);
  });
});
