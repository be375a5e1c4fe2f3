/**
 * The options of the gate, and their checks.
 *
 * @module
 */
import { type ServerNameSettings } from '../material/server-names.js';
import { type CaPolicy } from '../material/settings.js';
import { checkEach, checkInteger } from '../option-checks.js';
import { type ProxySettings } from './proxy-options.js';

/**
 * Limits on connections whose handshake is not done.
 * @example
 * ```ts
 * const limits: LimitOptions = { handshakeTimeoutMs: 5000, pendingHandshakes: 200 };
 * ```
 */
export interface LimitOptions {
  /**
   * How long a handshake may take, in milliseconds.
   * @defaultValue `10_000`; an integer from 100 to 120_000
   */
  readonly handshakeTimeoutMs?: number;
  /**
   * How many handshakes may be pending at once. For each additional one, one is dropped: the oldest if it has taken
   * more than a second, otherwise a random one.
   * @defaultValue `1000`; an integer from 1 to 1_000_000
   */
  readonly pendingHandshakes?: number;
}

/** {@link LimitOptions}, complete. */
export type Limits = Readonly<Required<LimitOptions>>;

/**
 * Checks limits and completes them.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID` with the option, what was given and what was expected.
 */
export function checkLimits(limits: LimitOptions = {}): Limits {
  const within = (name: keyof Limits, fallback: number, low: number, high: number): number =>
    checkInteger(limits[name], `limits.${name}`, fallback, low, high);
  return checkEach(limits, 'limits', {
    handshakeTimeoutMs: () => within('handshakeTimeoutMs', 10_000, 100, 120_000),
    pendingHandshakes: () => within('pendingHandshakes', 1000, 1, 1_000_000),
  });
}

/** The settings of the gate, apart from the material in force. */
export interface GateSettings extends CaPolicy {
  readonly clients: 'required' | 'optional';
  readonly onRefused: 'close' | 'respond';
  readonly limits: Limits;
  /** The server names with their own certificate, CAs or CRLs; empty without `sni`. */
  readonly names: ReadonlyMap<string, ServerNameSettings>;
  /** `undefined` if no proxy is trusted. */
  readonly proxies: ProxySettings | undefined;
  readonly now: () => number;
}
