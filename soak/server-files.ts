/**
 * Where the servers under test find their files.
 *
 * @module
 */

/** Paths, as `createServer()` takes them. */
export interface ServerFiles {
  readonly key: string;
  readonly cert: string;
  readonly ca: string[];
  /** A file, and a directory of CRLs. */
  readonly crl: string[];
}

/** A name of `sni`, and what it has of its own. */
export interface ServerNameFiles {
  readonly name: string;
  readonly key: string;
  readonly cert: string;
  readonly ca: string;
  readonly crl: string;
}
