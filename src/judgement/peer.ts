/**
 * What is judged: a client certificate, and the intermediates that the client sent.
 *
 * @module
 */
import { type Certificate } from '../x509/certificate.js';

/** A presented certificate, parsed. */
export interface Peer {
  readonly certificate: Certificate;
  /** The other certificates that the client sent, if a path needs them. A resumed session has none. */
  readonly others: readonly Certificate[];
}

/**
 * The maximum number of intermediates of a client. Real paths have one or two, and every pair may have to be
 * compared.
 */
export const maxOthers = 5;
