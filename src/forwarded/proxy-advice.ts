/**
 * How to configure each proxy so that its header can be read.
 *
 * @module
 */
import { type ForwardedEncoding, type ForwardedHeader, type ForwardedPreset } from './forwarded-header.js';

const byPreset: Readonly<Record<ForwardedPreset, string>> = {
  rfc9440: 'have the proxy set Client-Cert, and Client-Cert-Chain if there is one, as RFC 9440 says',
  nginx: 'in nginx: proxy_set_header X-SSL-Client-Cert $ssl_client_escaped_cert',
  haproxy:
    'in HAProxy: http-request del-header Client-Cert, then http-request set-header Client-Cert :%[ssl_c_der,base64]: if { ssl_c_used }, and the same for Client-Cert-Chain with ssl_c_chain_der',
  apache:
    'in Apache: RequestHeader unset X-SSL-Client-Cert, then RequestHeader set X-SSL-Client-Cert "%{SSL_CLIENT_CERT}s" "expr=%{SSL_CLIENT_VERIFY} == \'SUCCESS\'"',
  caddy:
    'in Caddy: header_up Client-Cert :{http.request.tls.client.certificate_der_base64}: in a site whose client_auth has mode require_and_verify',
  envoy:
    'in Envoy: forward_client_cert_details: SANITIZE_SET, which removes what the client sends, and set_current_client_cert_details: { cert: true, chain: true }',
  traefik:
    'in Traefik 3: the middleware passTLSClientCert with pem: true, after one of headers that removes X-Forwarded-Tls-Client-Cert',
  'aws-alb': 'in AWS: mutual TLS of the listener in mode passthrough',
  'aws-alb-verify': 'in AWS: mutual TLS of the listener in mode verify, with a trust store',
  gcp: 'in Google Cloud: custom request headers Client-Cert:{client_cert_leaf} and Client-Cert-Chain:{client_cert_chain}, and client validation mode REJECT_INVALID; Google sends an empty value for a certificate above 16 KB too',
  'azure-app-service': 'in Azure App Service: client certificate mode Required',
  cloudflare: 'in Cloudflare: client_certificate_forwarding for the hostname',
  'cloudflare-rfc9440':
    'in Cloudflare: rules for request headers that remove Client-Cert and Client-Cert-Chain, and then set them to cf.tls_client_auth.cert_rfc9440 and cf.tls_client_auth.cert_chain_rfc9440 where cf.tls_client_auth.cert_verified',
  'ingress-nginx':
    'in the Ingress: the annotations auth-tls-secret, and auth-tls-pass-certificate-to-upstream: "true"',
};

const byEncoding: Readonly<Record<Exclude<ForwardedEncoding, 'xfcc'>, string>> = {
  rfc9440: 'the DER in base64 between two colons (RFC 9440)',
  'percent-pem': 'percent-encoded PEM',
  'spaced-pem': 'PEM with spaces for line breaks',
  'base64-der': 'the DER in base64',
};

/** How a proxy is configured for this header. */
export function adviceOf({ preset, certificate: { name, encoding } }: ForwardedHeader): string {
  if (preset !== undefined) return byPreset[preset];
  // Only Envoy writes it.
  if (encoding === 'xfcc') return byPreset.envoy;
  return `have the proxy set ${name} to ${byEncoding[encoding]}, or configure the encoding that it sends`;
}
