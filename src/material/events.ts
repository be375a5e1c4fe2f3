/**
 * What is reported while material is read and put into force.
 *
 * @module
 */
import { type VerifiedCrl } from '../revocation/verified-crl.js';

/** The events of this room, by name. */
export interface MaterialEvents {
  /** A handshake with the usual clients fails, and one with the most permissive client succeeds. */
  'few-clients': [{ readonly code: string | undefined; readonly detail: string }];
  /** The CA names take more octets than a Java client accepts. */
  'long-ca-names': [LongNames];
  /** A CRL of version 2 without a CRL number came into force. */
  'crl-without-number': [VerifiedCrl];
  /** A watched file was removed or replaced, and its path still leads to the old content, as a mount of it does. */
  'file-unlinked': [{ readonly source: string }];
}

/** The length of the CA names. */
export interface LongNames {
  readonly octets: number;
  /** How many octets a Java client accepts. */
  readonly limit: number;
  readonly cas: number;
  /** The server name that the CAs are for; `undefined` for the server itself. */
  readonly servername: string | undefined;
}
