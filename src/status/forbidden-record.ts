/**
 * The last requests that rules forbade. Bounded.
 *
 * @module
 */
import { type ForbiddenEvent } from '../gate/events.js';
import { abbreviate } from '../judgement/refusal.js';
import { shorten } from '../x509/string.js';
import { type StatusForbidden } from './status-overview.js';

const mostKept = 50;
const mostParts = 10;

/** The last forbidden requests. Those of one client and one rule share an entry. */
export class ForbiddenRecord {
  total: number = 0;
  readonly #entries = new Map<string, StatusForbidden>();

  /** Records a request. */
  add(event: ForbiddenEvent, at: string): void {
    const { identity, rule, method, url, remoteAddress, refusedBy } = event;
    this.total++;
    const key = `${identity.fingerprint256} ${rule}`;
    const before = this.#entries.get(key);
    // Delete and set, so that the entry moves to the end.
    this.#entries.delete(key);
    this.#entries.set(key, {
      at,
      firstAt: before?.firstAt ?? at,
      count: (before?.count ?? 0) + 1,
      subject: shorten(abbreviate(identity.subject), 200),
      serialNumber: shorten(identity.serialNumber, 64),
      remoteAddress: shorten(remoteAddress, 64),
      method: method === undefined ? null : shorten(method, 20),
      // A query may contain a secret.
      url: url === undefined ? null : shorten(url.replace(/[?#].*$/s, ''), 200),
      rule: shorten(rule, 200),
      refusedBy: refusedBy.slice(0, mostParts).map((part) => shorten(part, 100)),
    });
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > mostKept && oldest !== undefined) this.#entries.delete(oldest);
  }

  /** The last entries, newest first. */
  get list(): StatusForbidden[] {
    return [...this.#entries.values()].reverse();
  }
}
