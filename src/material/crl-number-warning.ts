/**
 * Warns of CRLs of version 2 without a CRLNumber (RFC 5280 section 5.2.3): they are
 * admitted, and one thing less protects them.
 *
 * @module
 */
import { type LineWriter } from '../logger.js';
import { type RevocationChecker } from '../revocation/revocation-checker.js';
import { describeCrl } from '../revocation/verified-crl.js';

/** Warns once for each CRL that comes into force. */
export class CrlNumberWarning {
  readonly #reporter: LineWriter;
  /** The digests of those in force that were warned of. */
  #warned: ReadonlySet<string> = new Set();

  constructor(reporter: LineWriter) {
    this.#reporter = reporter;
  }

  /** Looks at the CRLs in force. */
  look(revocations: readonly RevocationChecker[]): void {
    const all = revocations.flatMap(({ crls }) => crls);
    const unnumbered = all.filter(({ crl }) => crl.version === 2 && crl.number === undefined);
    const byDigest = new Map(unnumbered.map((verified) => [verified.digest, verified]));
    for (const [digest, { crl, origin }] of byDigest) {
      if (this.#warned.has(digest)) continue;
      this.#reporter.log(
        'warn',
        { event: 'crl-without-number', issuer: crl.issuer, source: origin },
        `${origin}: the ${describeCrl(crl)} has no CRL number, which RFC 5280 section 5.2.3 requires. Its thisUpdate alone ` +
          'tells it from an older list: a CA that was restored from a backup can take revocations back unnoticed, and no ' +
          'delta can be combined with it. Have the CA number its CRLs (openssl ca: "crlnumber" in its .cnf)',
      );
    }
    this.#warned = new Set(byDigest.keys());
  }
}
