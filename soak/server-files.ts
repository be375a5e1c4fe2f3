/**
 * Where the server under test finds its files.
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
