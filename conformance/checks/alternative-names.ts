/**
 * What the app is told about the subjectAltName of its caller.
 *
 * @module
 */
import type { CertificateOptions } from '../../test/support/chain.js';
import { type Check, fail } from '../check.js';

interface ToldNames {
  readonly id: Check['id'];
  readonly sentence: string;
  readonly reference: string;
  readonly steps: string;
  readonly certificate: CertificateOptions;
  /** The names that the app has to be told. */
  readonly told?: readonly string[];
  /** A name that the certificate does not have. */
  readonly untold?: string;
}

const admin = 'DNS:admin.example';

/** A client with these names calls: the app is told each of them, and no other. A server may also refuse the client. */
function toldNames({ certificate, told = [], untold, ...text }: ToldNames): Check {
  return {
    ...text,
    needs: ['alternativeNames'],
    run: async (stage) => {
      const { root } = stage;
      const server = await stage.start({ cas: [root], crls: [root.crl()] });
      const good = root.client({ commonName: 'good', sans: { dns: ['good.example'] } });
      await server.serves(good, 'the good client');
      const { app: plain } = await server.as(good).call();
      if (plain?.names.includes('DNS:good.example') !== true)
        fail(`of a client with one DNS name the app is told ${JSON.stringify(plain?.names)}`);
      const { app, seen } = await server.as(root.client(certificate)).call();
      if (app === undefined) return told.length > 0 ? fail(seen) : seen;
      const seenNames = `the app is told ${JSON.stringify(app.names)}`;
      const isWrong =
        told.some((name) => !app.names.includes(name)) ||
        (untold !== undefined && app.names.includes(untold));
      return isWrong ? fail(seenNames) : seenNames;
    },
  };
}

export const alternativeNameChecks: readonly Check[] = [
  toldNames({
    id: 'identity.san-kinds',
    sentence: 'The app is told DNS names, mail addresses, URIs and IP addresses, each with its kind.',
    reference: 'RFC 5280 section 4.2.1.6',
    steps: 'A client with one name of each kind calls.',
    certificate: {
      sans: {
        ...{ dns: ['a.example'], email: ['alice@a.example'] },
        ...{ uri: ['spiffe://a.example/alice'], ip: ['192.0.2.1'] },
      },
    },
    told: ['DNS:a.example', 'email:alice@a.example', 'URI:spiffe://a.example/alice', 'IP Address:192.0.2.1'],
  }),
  toldNames({
    id: 'identity.san-separator',
    sentence: 'A DNS name with a comma and a prefix in it is not told as two names.',
    reference: 'Node CVE-2021-44532',
    steps: 'The DNS name is "eve.example, DNS:admin.example".',
    certificate: { sans: { dns: [`eve.example, ${admin}`] } },
    untold: admin,
  }),
  toldNames({
    id: 'identity.san-nul',
    sentence: 'A DNS name is not cut at a NUL.',
    reference: 'CVE-2009-2408, OpenSSL CVE-2021-3712',
    steps: 'The DNS name is admin.example, NUL, .eve.example.',
    certificate: { sans: { dns: ['admin.example\0.eve.example'] } },
    untold: admin,
  }),
  toldNames({
    id: 'identity.san-kind',
    sentence: 'A URI is not told as a DNS name, whatever it contains.',
    reference: 'Node CVE-2021-44531',
    steps: 'The URI is "DNS:admin.example".',
    certificate: { sans: { uri: [admin] } },
    untold: admin,
  }),
  toldNames({
    id: 'identity.san-absent',
    sentence: 'A commonName is not told as a DNS name where there is no subjectAltName.',
    reference: 'RFC 9525 section 2',
    steps: 'The commonName is admin.example.',
    certificate: { commonName: 'admin.example', sans: null },
    untold: admin,
  }),
];
