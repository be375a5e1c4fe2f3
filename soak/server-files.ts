/**
 * The files of the servers under test.
 *
 * @module
 */

/** Paths, as for `createServer()`. */
export interface ServerFiles {
  readonly key: string;
  readonly cert: string;
  readonly ca: string[];
  /** A file, and a directory of CRLs. */
  readonly crl: string[];
}

/** The files of a name in `sni`. */
export interface ServerNameFiles {
  readonly name: string;
  readonly key: string;
  readonly cert: string;
  readonly ca: string;
  readonly crl: string;
}
