/**
 * Reports version 2 CRLs without a CRLNumber (RFC 5280 section 5.2.3). They are accepted, with less rollback
 * protection.
 *
 * @module
 */
import { type EventSink } from '../logger.js';
import { type RevocationChecker } from '../revocation/revocation-checker.js';
import { type MaterialEvents } from './events.js';

/** Reports each such CRL once, when it comes into force. */
export class CrlNumberWarning {
  readonly #sink: EventSink<MaterialEvents>;
  /** The digests of the CRLs in force that were reported. */
  #warned: ReadonlySet<string> = new Set();

  constructor(sink: EventSink<MaterialEvents>) {
    this.#sink = sink;
  }

  /** Checks the CRLs in force. */
  look(revocations: readonly RevocationChecker[]): void {
    const all = revocations.flatMap(({ crls }) => crls);
    const unnumbered = all.filter(({ crl }) => crl.version === 2 && crl.number === undefined);
    const byDigest = new Map(unnumbered.map((verified) => [verified.digest, verified]));
    for (const [digest, verified] of byDigest) {
      if (this.#warned.has(digest)) continue;
      this.#sink.emit('crl-without-number', verified);
    }
    this.#warned = new Set(byDigest.keys());
  }
}
