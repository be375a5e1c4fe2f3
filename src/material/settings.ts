/**
 * What the sources of a server are, and how they are read: the options of this room, checked.
 *
 * @module
 */
import type { ServerOptions } from 'node:https';
import { type CompleteRevocationPolicy } from '../revocation/revocation-policy.js';
import { type CredentialSources, type ServerNameSettings, type TrustSources } from './server-names.js';

/** From what material is made, and what it is checked by. */
export interface MaterialSettings extends CredentialSources, TrustSources {
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
