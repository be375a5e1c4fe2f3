/**
 * Limits the refusals in the log to a few lines per address and minute, and counts the rest, so that clients cannot
 * fill the disk.
 *
 * @module
 */
import { isIPv6 } from 'node:net';
import { type RefusalReason } from '../judgement/refusal.js';

const windowMs = 60_000;
const linesOfEach = 10;
// Further addresses share one account for each reason.
const mostAccounts = 100;
const others = 'other addresses';

/** The reason of a refusal by the gate, or that the client did not use TLS. */
type LoggedReason = RefusalReason | 'plain-http';

/** The refusals for an address and a reason that were not written within a minute. */
export interface Suppressed {
  /** An IPv4 address, the /64 network of an IPv6 address, or `'other addresses'`. */
  readonly remoteAddress: string;
  readonly reason: LoggedReason;
  readonly count: number;
}

interface Account {
  readonly remoteAddress: string;
  readonly reason: LoggedReason;
  lines: number;
  count: number;
}

/** Decides which refusals are written, and reports how many were not. */
export class RefusalLog {
  readonly #now: () => number;
  readonly #tell: (suppressed: Suppressed) => void;
  readonly #accounts = new Map<string, Account>();
  #windowEnds = -Infinity;
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param now - Milliseconds since 1970.
   * @param tell - Called at the end of the minute for each account with unwritten refusals.
   */
  constructor(now: () => number, tell: (suppressed: Suppressed) => void) {
    this.#now = now;
    this.#tell = tell;
  }

  /** Returns whether to write this refusal. Otherwise it is counted. */
  mayWrite(remoteAddress: string, reason: LoggedReason): boolean {
    this.#turn();
    const account = this.#accountOf(networkOf(remoteAddress), reason);
    if (account.lines < linesOfEach) {
      account.lines++;
      return true;
    }
    account.count++;
    this.#arm();
    return false;
  }

  /** Reports all unwritten refusals. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const accounts = [...this.#accounts.values()];
    this.#accounts.clear();
    this.#windowEnds = -Infinity;
    for (const { remoteAddress, reason, count } of accounts)
      if (count > 0) this.#tell({ remoteAddress, reason, count });
  }

  #turn(): void {
    const now = this.#now();
    // A clock that was set back must not extend the minute.
    if (now < this.#windowEnds && now >= this.#windowEnds - windowMs) return;
    this.flush();
    this.#windowEnds = now + windowMs;
  }

  // By reason as well, so that clients without a certificate cannot suppress lines about clients with one.
  #accountOf(remoteAddress: string, reason: LoggedReason): Account {
    const known = this.#accounts.get(`${reason} ${remoteAddress}`);
    if (known !== undefined) return known;
    const whose = this.#accounts.size < mostAccounts ? remoteAddress : others;
    const key = `${reason} ${whose}`;
    const account = this.#accounts.get(key) ?? { remoteAddress: whose, reason, lines: 0, count: 0 };
    this.#accounts.set(key, account);
    return account;
  }

  #arm(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.flush();
    }, windowMs);
    this.#timer.unref();
  }
}

/** The /64 network of an IPv6 address, because a client usually has all 2^64 addresses of its network. */
export function networkOf(remoteAddress: string): string {
  if (!isIPv6(remoteAddress)) return remoteAddress;
  const [head = '', tail] = remoteAddress.split('%')[0]?.split('::') ?? [];
  const groups = head === '' ? [] : head.split(':');
  if (tail !== undefined) {
    const behind = tail === '' ? 0 : tail.split(':').length;
    while (groups.length < Math.min(4, 8 - behind)) groups.push('0');
  }
  return `${groups.slice(0, 4).join(':')}::/64`;
}
