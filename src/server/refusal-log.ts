/**
 * How many refusals are written to the log: each address has a few lines a
 * minute, and is counted beyond that, so that nobody fills a disk.
 *
 * @module
 */
import { isIPv6 } from 'node:net';
import { type RefusalReason } from '../judgement/refusal.js';

const windowMs = 60_000;
const linesOfEach = 10;
// Those that come after so many others share one account for each reason.
const mostAccounts = 100;
const others = 'other addresses';

/** Why a client was refused, by the gate or because it sent no TLS at all. */
type LoggedReason = RefusalReason | 'plain-http';

/** What was not written of an address and a reason within a minute. */
export interface Suppressed {
  /** An address, the first half of one of IPv6, or `'other addresses'`. */
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

/** Decides which refusals are written, and tells of those that were not. */
export class RefusalLog {
  readonly #now: () => number;
  readonly #tell: (suppressed: Suppressed) => void;
  readonly #accounts = new Map<string, Account>();
  #windowEnds = -Infinity;
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param now - Milliseconds since 1970.
   * @param tell - Called for each account of which something was not written, when its minute is over.
   */
  constructor(now: () => number, tell: (suppressed: Suppressed) => void) {
    this.#now = now;
    this.#tell = tell;
  }

  /** Whether this refusal is to be written; otherwise it is counted. */
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

  /** Tells of everything that was not written so far. */
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
    // A clock that was put back must not make the minute longer.
    if (now < this.#windowEnds && now >= this.#windowEnds - windowMs) return;
    this.flush();
    this.#windowEnds = now + windowMs;
  }

  // By reason as well: whoever has no certificate must not be able to silence what is told of those that have one.
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

/** An address of IPv6 stands for its network, of which anybody has all 2^64 addresses. */
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
