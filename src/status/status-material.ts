/**
 * The parts of the JSON about what is in force.
 *
 * @module
 */
import { type AuthorityState } from '../server/authority-state.js';

/** The first or the last of `total` entries. */
export interface StatusList<Entry> {
  /** The number of entries, listed or not. */
  readonly total: number;
  /** At most 100 CAs, CRLs and clients, and the last 50 events. */
  readonly list: readonly Entry[];
}

/** A CA in force. */
export interface StatusAuthority {
  /** Its subject. */
  readonly subject: string;
  /** Its issuer. For a root, this is its own subject. */
  readonly issuer: string;
  /** Lower-case hex. */
  readonly serialNumber: string;
  /** When it becomes valid. */
  readonly notBefore: string;
  /** When it expires. */
  readonly notAfter: string;
  /** Whether the current time is within its validity period. */
  readonly state: 'current' | 'expired' | 'not-yet-valid';
  /**
   * The names in `sni` for which it admits clients. `'*'` stands for the server itself and every name without its own
   * CAs.
   */
  readonly names: readonly string[];
  /** Whether a CRL of it is loaded. */
  readonly crl: AuthorityState['crl'];
}

/** A CRL in force. */
export interface StatusCrl {
  /** The CA that issued it. */
  readonly issuer: string;
  /** The CRL number, in decimal. */
  readonly number: string | null;
  /** The file or option that it came from. Directories are shown only with `sources: 'paths'`. */
  readonly source: string;
  /** The number of entries. */
  readonly entries: number;
  /** When it was issued. */
  readonly thisUpdate: string;
  /** When the next CRL is due. */
  readonly nextUpdate: string | null;
  /** When it was read. */
  readonly loadedAt: string;
  /** When its loader last confirmed it; `null` if it came from a file or from memory. */
  readonly confirmedAt: string | null;
  /** `'stale'` if the CRL is past its nextUpdate. */
  readonly state: 'current' | 'stale';
  /** The remaining fraction of the time from thisUpdate to nextUpdate. */
  readonly left: number | null;
}
