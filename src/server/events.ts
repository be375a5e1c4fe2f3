/**
 * What a server reports: its events, and notices, which are for the log alone.
 *
 * @module
 */
import { type MtlsError } from '../errors.js';
import { type GateEvents, type GateNotices } from '../gate/events.js';
import { type MaterialEvents } from '../material/events.js';
import { type VerifiedCrl } from '../revocation/verified-crl.js';
import { type DistinguishedName } from '../x509/distinguished-name.js';

/** A key and a certificate that were replaced by new ones. */
export interface ReplacedCertificate {
  /** The name of `sni` that it is for; `undefined`: the server's own. */
  readonly servername: string | undefined;
  /** When the new certificate expires. */
  readonly notAfter: Date;
}

/** A CA that was added or removed. */
export interface ChangedCa {
  /** The name of `sni` whose clients it is for; `undefined`: the server's own. */
  readonly servername: string | undefined;
  /** Its name. */
  readonly subject: DistinguishedName;
  /**
   * Of an added one: whether its CRL is `'loaded'` or `'missing'`; `'none'` where no CRL is configured. `undefined` of a
   * removed one.
   */
  readonly crl: 'loaded' | 'missing' | 'none' | undefined;
}

/** The outcome of a reload. */
export interface ReloadReport {
  /** Whether anything differs from what was in force. */
  readonly changed: boolean;
  /** How many certificates are revoked now that were not. */
  readonly added: number;
  /** How many certificates were revoked and are listed no more. */
  readonly removed: number;
  /** How many open connections were ended. */
  readonly evicted: number;
  /** The server certificates that were replaced. */
  readonly certificates: readonly ReplacedCertificate[];
  /** The CAs that were added. */
  readonly addedCas: readonly ChangedCa[];
  /** The CAs that were removed. */
  readonly removedCas: readonly ChangedCa[];
  /** From the reading of the files to the last eviction, in milliseconds. */
  readonly durationMs: number;
}

/** A fault of a source, which stands until the source can be used again. */
export interface StandingFault {
  /** The file, or the option. */
  readonly source: string;
  /** What is wrong, with what was seen, what was expected, and what to do. */
  readonly error: MtlsError;
  /** When it was first seen. */
  readonly since: Date;
}

/** A CRL expires soon. */
export interface CrlExpiringEvent {
  /** Whose CRL it is. */
  readonly issuer: DistinguishedName;
  /** Its number in decimal; `undefined` where it has none. */
  readonly number: string | undefined;
  /** When it expires. */
  readonly nextUpdate: Date;
  /** The file or option it came from. */
  readonly source: string;
}

/** The events of {@link Mtls}, by name. */
export interface MtlsEvents extends GateEvents {
  /** Something new is in force. */
  reloaded: [ReloadReport];
  /** A source does not read, or cannot be used: what it gave before stays in force, and it is tried again. */
  'reload-failed': [StandingFault];
  /** A source that was at fault can be used again. Has what was wrong, and since when. */
  recovered: [StandingFault];
  /** Of a CRL's life, no more than `revocation.warnAt` is left. Told once for each CRL. */
  'crl-expiring': [CrlExpiringEvent];
}

/** An emitter whose events have types. */
export interface TypedEventEmitter<Events extends Record<keyof Events, unknown[]>> {
  /**
   * Adds a listener. One that throws or rejects is reported as a warning of the process, and decides nothing.
   * @param name - Of which event.
   * @param listener - What is called with what the event carries.
   */
  on<Name extends keyof Events>(name: Name, listener: (...args: Events[Name]) => void): this;
  /**
   * Adds a listener for the next such event alone.
   * @param name - Of which event.
   * @param listener - What is called with what the event carries.
   */
  once<Name extends keyof Events>(name: Name, listener: (...args: Events[Name]) => void): this;
  /**
   * Takes a listener away.
   * @param name - Of which event.
   * @param listener - The function that was added.
   */
  off<Name extends keyof Events>(name: Name, listener: (...args: Events[Name]) => void): this;
}

/** What is in force under one name. A line of the log has some of it; `mtls.authorities` and `mtls.revocation` all. */
export interface Described {
  readonly cas: readonly string[];
  readonly caCount: number;
  readonly crls: readonly object[];
  readonly crlCount: number;
}

/** CAs without a CRL. */
export interface UncoveredCas {
  /** Their names. */
  readonly uncovered: readonly string[];
  /** What becomes of their clients: `revocation.unknown`. */
  readonly unknown: 'deny' | 'allow';
  /** The server name that they are for; `undefined` for the server itself. */
  readonly servername: string | undefined;
}

/** What a server reports for the log alone, by name. */
interface ServerNotices {
  /** The server listens: by what it admits clients, under which names. */
  listening: [
    Described & {
      readonly address: unknown;
      /** `'https://localhost:4433'`; `undefined` for a Unix socket, and for a server without HTTP. */
      readonly url: string | undefined;
      readonly clients: string;
      readonly allCas: readonly string[];
    },
  ];
  'no-crl': [Pick<UncoveredCas, 'servername'>];
  'uncovered-cas': [UncoveredCas];
  /** The server listens, and whoever connects from these addresses is a proxy. */
  'proxies-by-address': [{ readonly addresses: readonly string[] }];
  /** The server listens beyond the loopback without TLS, and the secret of the proxies can be read on the way. */
  'secret-in-clear': [{ readonly address: string; readonly port: number }];
  /** The server listens again, and its handle was closed. */
  'not-watching': [object];
  signal: [{ readonly signal: 'SIGHUP' }];
  /** Signals were asked for in a worker thread, which gets none. */
  'no-signals': [object];
  /** A reload that a signal asked for found nothing new. */
  unchanged: [object];
  /** A delta CRL is past its nextUpdate. */
  'delta-stale': [VerifiedCrl];
}

/** Everything that is reported, by name: the events of {@link Mtls}, and what only the log has. */
export interface Happenings extends MtlsEvents, GateNotices, MaterialEvents, ServerNotices {}
