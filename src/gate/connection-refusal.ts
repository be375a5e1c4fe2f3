/**
 * Refusals of connections. Where proxies have certificates they name the proxy, because the connection may be its own,
 * and never advise to add the CA of a proxy to the CAs of clients.
 *
 * @module
 */
import { optionsOfClients, optionsOfProxies } from '../judgement/missing-link.js';
import { type Refusal, refuse } from '../judgement/refusal.js';
import { type ProxySettings } from './proxy-options.js';

/** The gate itself failed. */
export const gateFailed: Refusal = refuse('untrusted', 'the gate failed');

/** The first commit has not been made. */
export const notReady: Refusal = refuse(
  'untrusted',
  'the server is not ready: its CAs and CRLs are still being read',
);

/** Refuses a connection without a certificate. */
export function refuseWithoutCertificate(proxies: Pick<ProxySettings, 'direct'> | undefined): Refusal {
  return proxies === undefined ? fromClient : withoutCertificate[proxies.direct];
}

const ofClientCas = `use a certificate of a CA in ${optionsOfClients.ca}`;
const ofItsCas = `use a certificate of a CA in ${optionsOfProxies.ca}`;

const fromClient = refuse('no-certificate', 'the client sent no certificate');

const withoutCertificate: Readonly<Record<ProxySettings['direct'], Refusal>> = {
  refuse: refuse('no-certificate', 'no certificate was sent, and only proxies may connect', {
    remedy:
      'if it is the proxy, have it present its certificate; if it is a client, connect through the proxy',
  }),
  admit: refuse('no-certificate', 'no certificate was sent, neither of a proxy nor of a client', {
    remedy: `if it is the proxy, have it present its certificate; if it is a client, ${ofClientCas}`,
  }),
};

const throughProxy = "if it is a client, connect through the proxy, or set proxies.direct to 'admit'";
const inRule = 'if it is the proxy, name its certificate in proxies.from.rule';

const notNamed = refuse(
  'not-a-proxy',
  'only proxies may connect, and proxies.from.rule does not name the certificate',
  { remedy: `${throughProxy}; ${inRule}` },
);

const notNamedEither = refuse(
  'untrusted',
  `the certificate is of a CA in ${optionsOfProxies.ca}, but proxies.from.rule does not name it`,
  { remedy: `${inRule}; if it is a client, ${ofClientCas}` },
);

/**
 * Refuses a certificate with `direct: 'refuse'`.
 * @param fault - Why it is not valid for a proxy; `undefined` if it is valid, but the rule does not name it.
 */
export function refuseSender(fault: Refusal | undefined): Refusal {
  if (fault === undefined) return notNamed;
  if (fault === gateFailed) return fault;
  if (fault.reason !== 'untrusted') return ofProxy(fault);
  return refuse('not-a-proxy', `only proxies may connect, and ${fault.detail}`, {
    remedy: `${throughProxy}; if it is the proxy, ${fault.remedy ?? ofItsCas}`,
  });
}

/**
 * Refuses a certificate with `direct: 'admit'`, which is valid neither for a client nor for a proxy.
 * @param refusal - Why it is not valid for a client.
 * @param fault - As for {@link refuseSender}.
 */
export function refuseBoth(refusal: Refusal, fault: Refusal | undefined): Refusal {
  // With any other reason, the certificate itself is at fault, whether a proxy or a client sent it.
  if (refusal.reason !== 'untrusted' || refusal === gateFailed) return refusal;
  if (fault !== undefined && fault.reason !== 'untrusted') return ofProxy(fault);
  if (fault === undefined) return notNamedEither;
  const { detail, remedy = ofClientCas } = refusal;
  return refuse('untrusted', `${detail}, and ${fault.detail}`, {
    remedy: `if it is the proxy, ${fault.remedy ?? ofItsCas}; if it is a client, ${remedy}`,
  });
}

/** A CA of proxies has issued the certificate. */
function ofProxy({ reason, detail, remedy, revocation }: Refusal): Refusal {
  const details = revocation === undefined ? { remedy } : { remedy, revocation };
  return refuse(reason, `${detail} (judged as the certificate of a proxy)`, details);
}
