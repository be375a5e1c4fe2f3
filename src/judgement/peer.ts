/**
 * What is judged: a client's certificate, and what came with it.
 *
 * @module
 */
import { type CertificateIdentity } from '../identity/client-identity.js';
import { type Certificate } from '../x509/certificate.js';

/** A certificate that was presented, read. */
export interface Peer {
  readonly certificate: Certificate;
  readonly identity: CertificateIdentity;
  /** What the client sent beside its certificate, where a path needs it. A resumed session shows none. */
  readonly others: readonly Certificate[];
}

/** How many intermediates of a client are looked at: real chains have one or two, and each may have to be compared with each. */
export const maxOthers = 5;
