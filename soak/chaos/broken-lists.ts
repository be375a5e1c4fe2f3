/**
 * CRLs that must never come into force. If a broken CRL can list clients, it lists ones in good standing: a server
 * that accepted it would lose them.
 *
 * @module
 */
import { randomBytes } from 'node:crypto';
import { ca, type Certificate, type CertificateAuthority } from '../../test/support/chain.js';

/** The inputs of a broken CRL. */
export interface BrokenListOptions {
  readonly issuer: CertificateAuthority;
  /** The number of the next valid CRL. */
  readonly number: number;
  /** Clients that must be served. */
  readonly good: readonly Certificate[];
}

const stranger = ca('stranger');

export const brokenLists = {
  empty: () => '',
  truncated: ({ issuer, number, good }) => {
    const { pem } = issuer.crl({ number, revoked: good });
    return pem.slice(0, pem.length * 0.6);
  },
  garbage: () => randomBytes(600),
  "signed with another CA's key": ({ issuer, number, good }) =>
    issuer.crl({ number, revoked: good, signWith: stranger.privateKey }).pem,
  'of an unknown CA': ({ number }) => stranger.crl({ number }).pem,
  'older than the one in force': ({ issuer, number }) =>
    issuer.crl({ number: Math.max(number - 5, 0), thisUpdate: new Date(Date.now() - 120_000) }).pem,
  expired: ({ issuer, number, good }) =>
    issuer.crl({
      number,
      revoked: good,
      thisUpdate: new Date(Date.now() - 50_000),
      nextUpdate: new Date(Date.now() - 10_000),
    }).pem,
} satisfies Record<string, (options: BrokenListOptions) => string | Buffer>;

export type BrokenListName = keyof typeof brokenLists;
