/**
 * Reports for a server without a logger, as process warnings: the first refusal, setup faults, proxies that others can
 * impersonate, and files whose updates cannot arrive.
 *
 * @module
 */
import { messageOf } from './event-log.js';
import { type Happenings } from './events.js';
import { ReportedFaults, warnOfFault } from './reported-faults.js';

/** Without these reports, a server would seem well while others can pass for a proxy or no update reaches it. */
const warned: ReadonlySet<keyof Happenings> = new Set([
  'proxies-by-address',
  'secret-in-clear',
  'file-unlinked',
]);

/** Replaces the log of a server. */
export class Unlogged {
  readonly #faults = new ReportedFaults();
  #hasRefused = false;

  /** Warns about each fault once, and about the first refusal. */
  write<Name extends keyof Happenings>(name: Name, ...args: Happenings[Name]): void {
    const [event] = args;
    if (warned.has(name)) process.emitWarning(messageOf(name, ...args) ?? name, { type: 'MtlsWarning' });
    else if (name === 'request-failed') this.#warnOfFault(event as Happenings['request-failed'][0]);
    else if (name === 'refused') this.#warnOfRefusal((event as Happenings['refused'][0]).reason);
    else if (name === 'plain-http') this.#warnOfRefusal('plain-http');
  }

  /** Does nothing. */
  flush(): void {
    // Warnings are never pending.
  }

  #warnOfFault({ error }: Happenings['request-failed'][0]): void {
    if (this.#faults.isNew(error)) warnOfFault(error);
  }

  #warnOfRefusal(reason: string): void {
    if (this.#hasRefused) return;
    this.#hasRefused = true;
    process.emitWarning(
      `a client was refused (${reason}), and the server has no logger: later refusals are not reported; to see which ` +
        'clients are refused and why, set the option logger to developmentLogger(), or to pino() in production',
      { type: 'MtlsWarning' },
    );
  }
}
