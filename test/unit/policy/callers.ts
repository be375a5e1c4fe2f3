/**
 * Callers to ask rules about.
 *
 * @module
 */
import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { type ClientIdentity, identityOf } from '../../../src/identity/client-identity.js';
import { type ClientRule, compileRule } from '../../../src/policy/client-rule.js';
import { parseCertificate } from '../../../src/x509/certificate.js';
import { ca, type CertificateOptions } from '../../support/chain.js';

const root = ca({ commonName: 'Root CA', organization: 'Example' });

export const request = new IncomingMessage(new Socket());

/** Who a certificate of these options is. */
export function caller(options: CertificateOptions = {}): ClientIdentity {
  const certificate = root.client({ privateKey: root.privateKey, ...options });
  return {
    source: 'tls',
    via: undefined,
    ...identityOf(parseCertificate(certificate.der)),
    policies: [],
    resumed: false,
  };
}

/** What a rule says of a caller. */
export function ask(rule: ClientRule, options: CertificateOptions | ClientIdentity = {}): unknown {
  const identity = 'fingerprint256' in options ? options : caller(options);
  return compileRule(rule)(identity, request);
}
