/**
 * The validated options of this room: the sources of a server and how they are read.
 *
 * @module
 */
import type { ServerOptions } from 'node:https';
import { type CompleteRevocationPolicy } from '../revocation/revocation-policy.js';
import { type ProxySources } from './proxy-sources.js';
import { type CredentialSources, type ServerNameSettings, type TrustSources } from './server-names.js';

/** How CAs are trusted and announced to clients. */
export interface CaPolicy {
  /** Whether a CA without a configured root above it is a trust anchor. */
  readonly partialChain: 'deny' | 'allow';
  /** Whether the names of the CAs are sent in the handshake. */
  readonly announceCas: 'all' | 'none';
}

/** Whether OpenSSL has trust anchors. Without them it finds no issuer, and only the path validation here decides. */
export function hasOpensslAnchors({ partialChain, announceCas }: CaPolicy): boolean {
  return partialChain === 'deny' && announceCas === 'all';
}

/** The sources of the material, and its policies. */
export interface MaterialSettings extends TrustSources, CaPolicy {
  /** `undefined`: the server has no TLS of its own, and proxies connect without it. */
  readonly credentials: CredentialSources | undefined;
  /** How proxies prove themselves; `undefined`: no proxy is trusted. */
  readonly proxies: ProxySources | undefined;
  /** By name in lower case; empty without `sni`. */
  readonly names: ReadonlyMap<string, ServerNameSettings>;
  readonly clients: 'required' | 'optional';
  readonly revocation: CompleteRevocationPolicy;
  /** Milliseconds; `undefined` disables watching. */
  readonly pollMs: number | undefined;
  readonly resumption: boolean;
  readonly tls: ServerOptions;
  readonly now: () => number;
}
