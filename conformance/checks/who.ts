/**
 * Who gets in.
 *
 * @module
 */
import { ca, purposes, selfSigned } from '../../test/support/chain.js';
import { generateKey } from '../../test/support/signing.js';
import { type Check, fail } from '../check.js';
import { admission, refusal } from './trials.js';

const hour = 3_600_000;
const ago = (ms: number): Date => new Date(Date.now() - ms);
const oldRsa = generateKey('rsa2048');
const unknownExtension = {
  oid: '1.3.6.1.4.1.55738.999.1',
  critical: true,
  value: Buffer.from('0500', 'hex'),
};

export const whoChecks: readonly Check[] = [
  admission({
    id: 'who.good',
    sentence: 'A client with a certificate of a configured CA is served over TLS 1.3.',
    reference: 'RFC 8446 section 4.4.2',
    steps: 'Calls with a good certificate.',
    trial: ({ root }) => ({ client: root.client(), options: { version: 'TLSv1.3' } }),
  }),
  admission({
    id: 'who.good-tls12',
    sentence: 'A client with a certificate of a configured CA is served over TLS 1.2.',
    reference: 'RFC 5246 section 7.4.6',
    steps: 'Calls with a good certificate.',
    trial: ({ root }) => ({ client: root.client(), options: { version: 'TLSv1.2' } }),
  }),
  admission({
    id: 'who.intermediate',
    sentence: 'A client below an intermediate CA is served if root and intermediate are configured.',
    reference: 'RFC 5280 section 6.1',
    steps:
      'Configures a root and its intermediate with their CRLs; calls with a certificate of the intermediate.',
    trial: ({ root }) => {
      const middle = root.intermediate();
      return { cas: [root, middle], crls: [root.crl(), middle.crl()], client: middle.client() };
    },
  }),
  ...(['TLSv1.2', 'TLSv1.3'] as const).map((version) =>
    refusal({
      id: version === 'TLSv1.3' ? 'who.no-certificate' : 'who.no-certificate-tls12',
      sentence: `A client without a certificate is refused over ${version.replace('v', ' ')}.`,
      reference: version === 'TLSv1.3' ? 'RFC 8446 section 4.4.2.4' : 'RFC 5246 section 7.4.6',
      steps: 'Calls without a certificate.',
      trial: () => ({ client: undefined, options: { version } }),
    }),
  ),
  {
    id: 'who.upgrade',
    sentence: 'A client without a certificate cannot open a WebSocket.',
    reference:
      'RFC 6455 section 10.5; CVE-2026-28755, etcd GHSA-3wh4-j44w-pg92 (a listener that skipped the check)',
    steps: 'Asks for an upgrade without a certificate, and with one.',
    needs: ['websocket'],
    run: async (stage) => {
      const server = await stage.start({ cas: [stage.root], crls: [stage.root.crl()] });
      const good = await server.as(stage.root.client()).upgrade();
      if (!(await good.ask())) fail('the good client gets no WebSocket');
      const opened = await server
        .as()
        .upgrade()
        .then(
          (held) => held.ask(),
          () => false,
        );
      return opened ? fail('the WebSocket opens') : 'refused';
    },
  },
  refusal({
    id: 'who.other-ca',
    sentence: 'A certificate of another CA is refused, even if that CA has the name of a configured one.',
    reference: 'RFC 5280 section 6.1.3 (a)(1)',
    steps: 'Calls with a certificate of a CA with the same name and another key.',
    trial: () => ({ client: ca('clients').client() }),
  }),
  refusal({
    id: 'who.same-name-and-serial',
    sentence:
      'A certificate is not another one because it has the same subject, issuer name and serial number.',
    reference: 'CVE-2024-2048, CVE-2025-6037',
    steps: 'A client is served; a copy of its certificate by another CA of the same name is tried.',
    trial: ({ root }) => ({
      beside: root.client({ commonName: 'alice', serial: 0x1234n }),
      client: ca('clients').client({ commonName: 'alice', serial: 0x1234n }),
    }),
  }),
  refusal({
    id: 'who.forged',
    sentence: 'A certificate whose signature is not the CA’s is refused.',
    reference: 'RFC 5280 section 6.1.3 (a)(1); PKITS 4.1.3',
    steps:
      'Calls with a certificate that names the configured CA and its key identifier, signed with another key.',
    trial: ({ root }) => ({ client: root.client({ signWith: generateKey() }) }),
  }),
  refusal({
    id: 'who.self-signed',
    sentence: 'A self-signed certificate is refused.',
    reference: 'RFC 5280 section 6.1',
    steps: 'Calls with a self-signed certificate.',
    trial: () => ({ client: selfSigned() }),
  }),
  refusal({
    id: 'who.self-signed-in-ca-file',
    sentence: 'A self-signed leaf in the file of the CAs does not make a client.',
    reference: 'RFC 5280 section 4.2.1.9: a trust anchor for others is a CA',
    steps: 'Adds a self-signed client certificate to the CAs; calls with it.',
    mayNotStart: true,
    trial: ({ root }) => {
      const own = selfSigned('pinned');
      return { cas: [root, own], client: own };
    },
  }),
  refusal({
    id: 'who.ca-as-client',
    sentence: 'A CA certificate is refused as a client certificate.',
    reference: 'RFC 5280 section 4.2.1.3; go-spiffe and Kubernetes refuse it too',
    steps:
      'Calls with the certificate and key of an intermediate CA that has digitalSignature and clientAuth.',
    trial: ({ root }) => ({
      client: root.intermediate({
        keyUsage: ['digitalSignature', 'keyCertSign'],
        extendedKeyUsage: [purposes.clientAuth],
      }),
    }),
  }),
  refusal({
    id: 'who.expired',
    sentence: 'An expired certificate is refused.',
    reference: 'RFC 5280 section 6.1.3 (a)(2); PKITS 4.2.6',
    steps: 'Calls with a certificate that expired an hour ago.',
    trial: ({ root }) => ({ client: root.client({ notBefore: ago(2 * hour), notAfter: ago(hour) }) }),
  }),
  refusal({
    id: 'who.not-yet-valid',
    sentence: 'A certificate that is not valid yet is refused.',
    reference: 'RFC 5280 section 6.1.3 (a)(2); PKITS 4.2.2',
    steps: 'Calls with a certificate that becomes valid in an hour.',
    trial: ({ root }) => ({ client: root.client({ notBefore: ago(-hour), notAfter: ago(-2 * hour) }) }),
  }),
  refusal({
    id: 'who.server-certificate',
    sentence: 'A server certificate is refused as a client certificate.',
    reference: 'RFC 5280 section 4.2.1.12',
    steps: 'Calls with a certificate of the configured CA whose only purpose is serverAuth.',
    trial: ({ root }) => ({ client: root.server() }),
  }),
  refusal({
    id: 'who.code-signing',
    sentence: 'A certificate for code signing is refused as a client certificate.',
    reference: 'RFC 5280 section 4.2.1.12',
    steps: 'Calls with a certificate whose only purpose is codeSigning.',
    trial: ({ root }) => ({ client: root.client({ extendedKeyUsage: [purposes.codeSigning] }) }),
  }),
  refusal({
    id: 'who.any-purpose',
    sentence: 'A certificate whose only purpose is anyExtendedKeyUsage is refused as a client certificate.',
    reference: 'RFC 5280 section 4.2.1.12: an application may require the purpose itself',
    steps: 'Calls with a certificate whose only purpose is anyExtendedKeyUsage.',
    trial: ({ root }) => ({ client: root.client({ extendedKeyUsage: [purposes.any] }) }),
  }),
  refusal({
    id: 'who.no-purpose',
    sentence:
      'A certificate that names no purpose, as tutorials make for servers, is refused as a client certificate.',
    reference: 'RFC 5280 section 4.2.1.12 leaves the decision to the application',
    steps: 'Calls with a certificate without extendedKeyUsage.',
    trial: ({ root }) => ({ client: root.client({ extendedKeyUsage: null }) }),
  }),
  refusal({
    id: 'who.key-usage',
    sentence: 'A key that may not sign does not authenticate a client.',
    reference: 'RFC 8446 section 4.4.2.2, RFC 5280 section 4.2.1.3',
    steps: 'Calls with a certificate whose keyUsage is keyEncipherment alone.',
    trial: ({ root }) => ({ client: root.client({ keyUsage: ['keyEncipherment'] }) }),
  }),
  refusal({
    id: 'who.critical-extension',
    sentence: 'A certificate with an unknown critical extension is refused.',
    reference: 'RFC 5280 section 4.2; PKITS 4.16.2',
    steps: 'Calls with a certificate that has an unknown critical extension.',
    trial: ({ root }) => ({ client: root.client({ extraExtensions: [unknownExtension] }) }),
  }),
  refusal({
    id: 'who.version-1',
    sentence: 'A certificate of version 1, which can say nothing about its use, is refused.',
    reference: 'RFC 5280 sections 4.1.2.1 and 4.2',
    steps: 'Calls with an X.509 certificate of version 1.',
    trial: ({ root }) => ({ client: root.client({ version: 1 }) }),
  }),
  refusal({
    id: 'who.weak-key',
    sentence: 'A certificate with an RSA key of 1,024 bits is refused.',
    reference: 'NIST SP 800-131A: 112 bits of security',
    steps: 'Calls with a good certificate for an RSA key of 1,024 bits, over TLS 1.2 and 1.3.',
    trial: ({ root }) => ({ client: root.client({ key: 'rsa1024' }) }),
  }),
  ...(['sha1', 'md5'] as const).map((hash) =>
    refusal({
      id: `who.${hash}`,
      sentence: `A certificate that is signed with ${hash === 'sha1' ? 'SHA-1' : 'MD5'} is refused.`,
      reference: hash === 'sha1' ? 'RFC 9155; CVE-2019-14855 (chosen-prefix collisions)' : 'RFC 6151',
      steps: `An RSA CA signs a client’s certificate with ${hash === 'sha1' ? 'SHA-1' : 'MD5'}.`,
      trial: () => {
        const root = ca({ commonName: 'rsa', privateKey: oldRsa });
        return { cas: [root], crls: [root.crl()], beside: root.client(), client: root.client({ hash }) };
      },
    }),
  ),
  admission({
    id: 'who.serial-of-other-ca',
    sentence: 'A client is not revoked because another CA has revoked the same serial number.',
    reference: 'RFC 5280 section 4.1.2.2: serial numbers are unique within one CA',
    steps: 'Two CAs; the CRL of the other one lists the client’s serial number.',
    needs: ['crl'],
    trial: ({ root }) => {
      const other = ca('other');
      const client = root.client({ serial: 0x77n });
      return { cas: [other, root], crls: [root.crl(), other.crl({ revoked: [{ serial: 0x77n }] })], client };
    },
  }),
];
