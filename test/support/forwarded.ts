/**
 * Headers as proxies write them, by other code than what reads them.
 *
 * @module
 */
import type { ForwardedPreset } from '../../src/forwarded/forwarded-header.js';
import { pem } from './der-writer.js';

/** One certificate or several as PEM, one block after the other. */
export const pemOf = (...ders: readonly Buffer[]): string =>
  ders.map((der) => pem('CERTIFICATE', der)).join('');
/** `$ssl_client_escaped_cert` of nginx: everything but unreserved characters is escaped. */
export const nginxValue = (...ders: readonly Buffer[]): string => encodeURIComponent(pemOf(...ders));
/** AWS leaves `+`, `=` and `/` as they are. */
export const awsValue = (...ders: readonly Buffer[]): string =>
  pemOf(...ders)
    .replaceAll('\n', '%0A')
    .replaceAll(' ', '%20');
/** Envoy escapes five characters. */
export const envoyPem = (...ders: readonly Buffer[]): string =>
  awsValue(...ders)
    .replaceAll('+', '%2B')
    .replaceAll('/', '%2F')
    .replaceAll('=', '%3D');
/** Apache puts a space for each line break; HTTP takes off the one at the end. */
export const apacheValue = (...ders: readonly Buffer[]): string =>
  pemOf(...ders)
    .trimEnd()
    .replaceAll('\n', ' ');
/** Traefik removes the BEGIN and END lines and the line breaks, and joins by a comma. */
export const traefikValue = (...ders: readonly Buffer[]): string =>
  ders.map((der) => der.toString('base64')).join(',');
/** A Byte Sequence. */
export const sfBytes = (...ders: readonly Buffer[]): string => `:${Buffer.concat(ders).toString('base64')}:`;
/** A List of Byte Sequences. */
export const sfList = (...ders: readonly Buffer[]): string => ders.map((der) => sfBytes(der)).join(', ');
/** An element as Envoy writes it. */
export const envoyValue = (leaf: Buffer, chain: readonly Buffer[]): string =>
  [
    'By=spiffe://cluster.test/gateway',
    'Hash=468ed33be74eee6556d90c0149c1309e9ba61d6425303443c0748a02dd8de688',
    `Cert="${envoyPem(leaf)}"`,
    `Chain="${envoyPem(leaf, ...chain)}"`,
    'Subject="CN=a\\, \\"b\\",O=c;d\\\\"',
    'URI=spiffe://cluster.test/client?a=b',
    'DNS=a.test',
    'DNS=b.test',
  ].join(';');

/** The header lines that a proxy sends for a client that sent `leaf` and `chain` in its handshake. */
export const proxies: Readonly<
  Record<ForwardedPreset, (leaf: Buffer, chain: readonly Buffer[]) => string[]>
> = {
  rfc9440: standard,
  nginx: (leaf) => ['X-SSL-Client-Cert', nginxValue(leaf)],
  // ssl_c_chain_der is DER after DER.
  haproxy: (leaf, chain) => ['client-cert', sfBytes(leaf), 'client-cert-chain', sfBytes(...chain)],
  apache: (leaf) => ['X-SSL-Client-Cert', apacheValue(leaf)],
  caddy: (leaf) => ['Client-Cert', sfBytes(leaf)],
  envoy: (leaf, chain) => ['x-forwarded-client-cert', envoyValue(leaf, chain)],
  traefik: (leaf, chain) => ['X-Forwarded-Tls-Client-Cert', traefikValue(leaf, ...chain)],
  'aws-alb': (leaf, chain) => ['X-Amzn-Mtls-Clientcert', awsValue(leaf, ...chain)],
  'aws-alb-verify': (leaf) => ['X-Amzn-Mtls-Clientcert-Leaf', awsValue(leaf)],
  gcp: standard,
  'azure-app-service': (leaf) => ['X-ARR-ClientCert', traefikValue(leaf)],
  cloudflare: (leaf) => ['Cf-Client-Cert-Der-Base64', traefikValue(leaf)],
  'cloudflare-rfc9440': standard,
  'ingress-nginx': (leaf) => ['ssl-client-cert', nginxValue(leaf)],
};

function standard(leaf: Buffer, chain: readonly Buffer[]): string[] {
  const lines = ['Client-Cert', sfBytes(leaf)];
  return chain.length === 0 ? lines : [...lines, 'Client-Cert-Chain', sfList(...chain)];
}

/** Those that send what is above the leaf too. */
export const sendsChain: ReadonlySet<string> = new Set([
  'rfc9440',
  'haproxy',
  'envoy',
  'traefik',
  'aws-alb',
  'gcp',
  'cloudflare-rfc9440',
]);
