/**
 * The options of the gate, and their checks.
 *
 * @module
 */
import { type ServerNameSettings } from '../material/server-names.js';
import { type CaPolicy } from '../material/settings.js';
import { checkEach, checkInteger } from '../option-checks.js';
import { type ProxySettings } from './proxy-options.js';

/** Limits on connections whose handshake is not done. */
export interface LimitOptions {
  /**
   * How long a handshake may take, in milliseconds.
   * @defaultValue `10_000`; an integer from 100 to 120_000
   */
  readonly handshakeTimeoutMs?: number;
  /**
   * How many handshakes may be under way at once. For each that comes beyond that one ends: the oldest if it has taken
   * more than a second, and else one by chance.
   * @defaultValue `1000`; an integer from 1 to 1_000_000
   */
  readonly pendingHandshakes?: number;
}

/** {@link LimitOptions}, complete. */
export type Limits = Readonly<Required<LimitOptions>>;

/**
 * Checks limits and completes them.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID` naming the option, what was given and what may be.
 */
export function checkLimits(limits: LimitOptions = {}): Limits {
  const within = (name: keyof Limits, fallback: number, low: number, high: number): number =>
    checkInteger(limits[name], `limits.${name}`, fallback, low, high);
  return checkEach(limits, 'limits', {
    handshakeTimeoutMs: () => within('handshakeTimeoutMs', 10_000, 100, 120_000),
    pendingHandshakes: () => within('pendingHandshakes', 1000, 1, 1_000_000),
  });
}

/** What the gate goes by, beside the material in force. */
export interface GateSettings extends CaPolicy {
  readonly clients: 'required' | 'optional';
  readonly onRefused: 'close' | 'respond';
  readonly limits: Limits;
  /** The names that have something of their own; empty without `sni`. */
  readonly names: ReadonlyMap<string, ServerNameSettings>;
  /** `undefined`: no proxy is believed. */
  readonly proxies: ProxySettings | undefined;
  readonly now: () => number;
}
