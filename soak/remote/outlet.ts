/**
 * A place outside the server's machine where a CA publishes its CRL.
 *
 * @module
 */

/** A failure of a place, or of a part of it. */
export interface Outage {
  readonly name: string;
  /** Whether no CRL can be read meanwhile. */
  readonly isTotal: boolean;
  begin(): Promise<void>;
  /** Resolves once the server can read the CRL again. */
  end(): Promise<void>;
}

/** A place of one CRL. */
export interface Outlet {
  /** How a CRL is published there. */
  readonly way: string;
  /** Each has its turn. */
  readonly outages: readonly Outage[];
  /** Resolves once the CRL can be read. */
  publish(der: Buffer): Promise<void>;
  /** Ends what was started. */
  stop(): Promise<void>;
}
