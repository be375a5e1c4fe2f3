/**
 * What the sources of a server are, and how they are read: the options of this room, checked.
 *
 * @module
 */
import type { ServerOptions } from 'node:https';
import { type CompleteRevocationPolicy } from '../revocation/revocation-policy.js';
import { type ProxySources } from './proxy-sources.js';
import { type CredentialSources, type ServerNameSettings, type TrustSources } from './server-names.js';

/** How CAs are trusted, and shown to clients. */
export interface CaPolicy {
  /** Whether a CA without a configured root above it is a trust anchor. */
  readonly partialChain: 'deny' | 'allow';
  /** Whether the names of the CAs are sent in the handshake. */
  readonly announceCas: 'all' | 'none';
}

/** Whether OpenSSL has trust anchors of its own: without them it finds no issuer, and the path here decides alone. */
export function hasOpensslAnchors({ partialChain, announceCas }: CaPolicy): boolean {
  return partialChain === 'deny' && announceCas === 'all';
}

/** From what material is made, and what it is checked by. */
export interface MaterialSettings extends TrustSources, CaPolicy {
  /** `undefined`: the server has no TLS of its own, and proxies connect without it. */
  readonly credentials: CredentialSources | undefined;
  /** How proxies prove themselves; `undefined`: no proxy is believed. */
  readonly proxies: ProxySources | undefined;
  /** By name, in lower case; empty without `sni`. */
  readonly names: ReadonlyMap<string, ServerNameSettings>;
  readonly clients: 'required' | 'optional';
  readonly revocation: CompleteRevocationPolicy;
  /** Milliseconds; `undefined`: do not watch. */
  readonly pollMs: number | undefined;
  readonly resumption: boolean;
  readonly tls: ServerOptions;
  readonly now: () => number;
}
