/**
 * What is noticed while material is read and put into force.
 *
 * @module
 */
import { type VerifiedCrl } from '../revocation/verified-crl.js';

/** The notices of this room, by name. */
export interface MaterialEvents {
  /** A handshake with the usual clients fails, and one with the most permissive client succeeds. */
  'few-clients': [{ readonly code: string | undefined; readonly detail: string }];
  /** The names of the CAs take more octets than a client in Java accepts. */
  'long-ca-names': [LongNames];
  /** A CRL of version 2 without a CRL number came into force. */
  'crl-without-number': [VerifiedCrl];
}

/** How long the names of the CAs are. */
export interface LongNames {
  readonly octets: number;
  /** How many octets a client in Java accepts. */
  readonly limit: number;
  readonly cas: number;
  /** The server name that they are for; `undefined` for the server itself. */
  readonly servername: string | undefined;
}
