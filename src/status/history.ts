/**
 * The history that the status page shows: the last refusals, evictions, forbidden requests and reloads. Bounded.
 *
 * @module
 */
import { type ErrorCode } from '../errors.js';
import { type EvictedEvent, type RefusedEvent } from '../gate/events.js';
import { networkOf } from '../server/refusal-log.js';
import { abbreviate, describeRefusal, type RefusalReason } from '../judgement/refusal.js';
import { type StandingFault } from '../server/events.js';
import { type Mtls } from '../server/mtls.js';
import { ForbiddenRecord } from './forbidden-record.js';
import { MinuteCounts } from './minute-counts.js';
import { type StatusRefusal, type StatusReload } from './status-report.js';
import { baseName, withoutFolders } from './text.js';
import { shorten } from '../x509/string.js';

/** The maximum length of each list. */
const mostKept = 50;
const longestMessage = 1000;

// Refusals for these reasons need no certificate of a trusted CA, so anyone can cause any number of them. They must
// not displace the entries of clients.
const reasonsOfStrangers: readonly RefusalReason[] = [
  'no-certificate',
  'untrusted',
  'expired',
  'not-yet-valid',
  'identity-invalid',
  'not-a-proxy',
];

/** The history of a server. */
export class History {
  readonly since: string;
  readonly refusals: RefusalRecord = new RefusalRecord(reasonsOfStrangers);
  // Only admitted clients are evicted.
  readonly evictions: RefusalRecord = new RefusalRecord([]);
  readonly forbidden: ForbiddenRecord = new ForbiddenRecord();
  readonly refusalCounts: MinuteCounts<RefusalReason> = new MinuteCounts<RefusalReason>();
  readonly forbiddenCounts: MinuteCounts<'forbidden'> = new MinuteCounts<'forbidden'>();
  readonly reloads: { total: number; failed: number; list: StatusReload[] } = {
    total: 0,
    failed: 0,
    list: [],
  };

  /** Starts recording. */
  constructor(
    mtls: Mtls,
    { now, sources }: { readonly now: () => number; readonly sources: 'names' | 'paths' },
  ) {
    const moment = (): string => new Date(now()).toISOString();
    this.since = moment();
    mtls.on('refused', (event) => {
      this.refusals.add(event, moment());
      this.refusalCounts.add(event.reason, now());
    });
    mtls.on('forbidden', (event) => {
      this.forbidden.add(event, moment());
      this.forbiddenCounts.add('forbidden', now());
    });
    mtls.on('evicted', (event) => {
      this.evictions.add(event, moment());
    });
    mtls.on('reloaded', ({ added, removed, evicted, durationMs }) => {
      this.#addReload({ at: moment(), outcome: 'reloaded', added, removed, evicted, durationMs });
    });
    mtls.on('reload-failed', (fault) => {
      this.#addReload({ at: moment(), outcome: 'failed', ...describeFault(fault, sources) });
    });
    mtls.on('recovered', (fault) => {
      const { source, code } = describeFault(fault, sources);
      this.#addReload({ at: moment(), outcome: 'recovered', source, code, removed: fault.removed });
    });
  }

  #addReload(reload: StatusReload): void {
    this.reloads.total++;
    if (reload.outcome === 'failed') this.reloads.failed++;
    this.reloads.list.unshift(reload);
    this.reloads.list.length = Math.min(this.reloads.list.length, mostKept);
  }
}

/** The last refusals or evictions, and their number by reason. */
export class RefusalRecord {
  total: number = 0;
  readonly byReason: Partial<Record<RefusalReason, number>> = {};
  readonly #reasonsOfStrangers: readonly RefusalReason[];
  readonly #mostLines: number;
  readonly #strangers = new Map<string, StatusRefusal>();
  readonly #clients = new Map<string, StatusRefusal>();

  /**
   * @param strangers - The reasons that anyone can cause. These refusals are grouped by address and get half of the
   *   lines.
   */
  constructor(strangers: readonly RefusalReason[]) {
    this.#reasonsOfStrangers = strangers;
    this.#mostLines = strangers.length === 0 ? mostKept : mostKept / 2;
  }

  /** Records an event. */
  add(event: RefusedEvent | EvictedEvent, at: string): void {
    const { reason, code, identity, remoteAddress } = event;
    this.total++;
    this.byReason[reason] = (this.byReason[reason] ?? 0) + 1;
    const isStranger = identity === undefined || this.#reasonsOfStrangers.includes(reason);
    const lines = isStranger ? this.#strangers : this.#clients;
    const key = `${reason} ${isStranger ? networkOf(remoteAddress) : identity.fingerprint256}`;
    const before = lines.get(key);
    // Delete and set, so that the entry moves to the end.
    lines.delete(key);
    lines.set(key, {
      at,
      firstAt: before?.firstAt ?? at,
      count: (before?.count ?? 0) + 1,
      reason,
      code,
      detail: shorten(describeRefusal(event), longestMessage),
      subject: identity === undefined ? null : shorten(abbreviate(identity.subject), 200),
      serialNumber: identity === undefined ? null : shorten(identity.serialNumber, 64),
      remoteAddress: shorten(remoteAddress, 64),
    });
    const [oldest] = lines.keys();
    if (lines.size > this.#mostLines && oldest !== undefined) lines.delete(oldest);
  }

  /** The last entries, newest first. */
  get list(): StatusRefusal[] {
    const lines = [...this.#strangers.values(), ...this.#clients.values()].reverse();
    return lines.sort((one, other) => (one.at < other.at ? 1 : one.at > other.at ? -1 : 0));
  }
}

/** Describes a fault for the page. */
export function describeFault(
  { source, error: { code, message } }: Pick<StandingFault, 'source' | 'error'>,
  sources: 'names' | 'paths',
): { source: string; code: ErrorCode; message: string } {
  const isWhole = sources === 'paths';
  // Several faults are on separate lines.
  const line = (isWhole ? message : withoutFolders(message)).replaceAll('\n', '; ');
  return {
    source: shorten(isWhole ? source : baseName(source), 200),
    code,
    message: shorten(line, longestMessage),
  };
}
