/**
 * What a server reports: events, and notices, which only go to the log.
 *
 * @module
 */
import { type MtlsError } from '../errors.js';
import { type GateEvents, type GateNotices } from '../gate/events.js';
import { type MaterialEvents } from '../material/events.js';
import { type VerifiedCrl } from '../revocation/verified-crl.js';
import { type DistinguishedName } from '../x509/distinguished-name.js';

/** A server certificate that was replaced, with its key. */
export interface ReplacedCertificate {
  /** The name of `sni` that it is for; `undefined` for the server's own. */
  readonly servername: string | undefined;
  /** When the new certificate expires. */
  readonly notAfter: Date;
}

/** A CA that was added, was removed, or got a CRL. */
export interface ChangedCa {
  /** The name of `sni` that it is for; `undefined` for the server itself. */
  readonly servername: string | undefined;
  /** The name of the CA. */
  readonly subject: DistinguishedName;
  /**
   * For an added CA, whether its CRL is `'loaded'` or `'missing'`; `'none'` if no CRL is configured. `'loaded'` for a
   * CA that got a CRL, `undefined` for a removed CA.
   */
  readonly crl: 'loaded' | 'missing' | 'none' | undefined;
}

/**
 * The outcome of a reload.
 * @example
 * ```ts
 * const { added, evicted } = await server.mtls.reload();
 * console.log(`${added} certificates were revoked, ${evicted} connections closed`);
 * ```
 */
export interface ReloadReport {
  /** Whether anything changed. */
  readonly changed: boolean;
  /** How many certificates are newly revoked. */
  readonly added: number;
  /** How many certificates are no longer listed as revoked. */
  readonly removed: number;
  /** How many open connections were closed. */
  readonly evicted: number;
  /** The server certificates that were replaced. */
  readonly certificates: readonly ReplacedCertificate[];
  /** The CAs that were added. */
  readonly addedCas: readonly ChangedCa[];
  /** The CAs that were removed. */
  readonly removedCas: readonly ChangedCa[];
  /** The CAs that were in force without a CRL, and now have one. */
  readonly coveredCas: readonly ChangedCa[];
  /** The time from reading the files to the last eviction, in milliseconds. */
  readonly durationMs: number;
}

/**
 * A fault of a source. It stands until the source can be used again.
 * @example
 * ```ts
 * for (const { source, error, since } of server.mtls.faults)
 *   console.log(`${source}, since ${since.toISOString()}: ${error.seen}; ${error.remedy}`);
 * ```
 */
export interface StandingFault {
  /** The file or the option. */
  readonly source: string;
  /** The error, with what was seen, what was expected and the remedy. */
  readonly error: MtlsError;
  /** When the fault was first seen. */
  readonly since: Date;
}

/**
 * A fault no longer stands.
 * @example
 * ```ts
 * server.mtls.on('recovered', ({ source, removed }) => {
 *   console.log(removed ? `${source} is gone` : `${source} can be used again`);
 * });
 * ```
 */
export interface RecoveredEvent extends StandingFault {
  /** Whether the file was removed from its directory. Otherwise the source can be used again. */
  readonly removed: boolean;
}

/**
 * A CRL expires soon.
 * @example
 * ```ts
 * server.mtls.on('crl-expiring', ({ source, nextUpdate }) => {
 *   console.log(`${source} expires at ${nextUpdate.toISOString()}`);
 * });
 * ```
 */
export interface CrlExpiringEvent {
  /** The issuer of the CRL. */
  readonly issuer: DistinguishedName;
  /** The CRL number in decimal; `undefined` if the CRL has none. */
  readonly number: string | undefined;
  /** When the CRL expires. */
  readonly nextUpdate: Date;
  /** The file or the option that the CRL came from. */
  readonly source: string;
}

/** The events of {@link Mtls}, by name. */
export interface MtlsEvents extends GateEvents {
  /** A reload changed what is in force. */
  reloaded: [ReloadReport];
  /** A source is unreadable or unusable. Its last-good copy stays in force, and the source is tried again. */
  'reload-failed': [StandingFault];
  /** A faulty source can be used again, or was removed. The event has the fault and its start. */
  recovered: [RecoveredEvent];
  /** The remaining part of a CRL's lifetime has fallen to `revocation.warnAt`. Emitted once for each CRL. */
  'crl-expiring': [CrlExpiringEvent];
}

/** An emitter with typed events. */
export interface TypedEventEmitter<Events extends Record<keyof Events, unknown[]>> {
  /**
   * Adds a listener. If it throws or rejects, the error is reported as a process warning.
   * @param name - The name of the event.
   * @param listener - Called with the data of the event.
   */
  on<Name extends keyof Events>(name: Name, listener: (...args: Events[Name]) => void): this;
  /**
   * Adds a listener for the next event only.
   * @param name - The name of the event.
   * @param listener - Called with the data of the event.
   */
  once<Name extends keyof Events>(name: Name, listener: (...args: Events[Name]) => void): this;
  /**
   * Removes a listener.
   * @param name - The name of the event.
   * @param listener - The function that was added.
   */
  off<Name extends keyof Events>(name: Name, listener: (...args: Events[Name]) => void): this;
}

/** What is in force under one name, shortened for the log. `mtls.authorities` and `mtls.revocation` are complete. */
export interface Described {
  readonly cas: readonly string[];
  readonly caCount: number;
  readonly crls: readonly object[];
  readonly crlCount: number;
}

/** CAs without a CRL. */
export interface UncoveredCas {
  /** The names of the CAs. */
  readonly uncovered: readonly string[];
  /** The policy for their clients: `revocation.unknown`. */
  readonly unknown: 'deny' | 'allow';
  /** The server name that the CAs are for; `undefined` for the server itself. */
  readonly servername: string | undefined;
}

/** What a server reports only to the log, by name. */
interface ServerNotices {
  /** The server listens. The notice has the CAs and CRLs in force, by name. */
  listening: [
    Described & {
      readonly address: unknown;
      /** `'https://localhost:4433'`; `undefined` for a Unix socket, and for a server without HTTP. */
      readonly url: string | undefined;
      /** For the message: `['https://localhost:4433', 'on all interfaces']`, `['Unix socket /run/app/http.sock']`. */
      readonly place: readonly string[];
      readonly clients: string;
      /** Whether clients may connect directly; `undefined` without proxies. */
      readonly direct: 'refuse' | 'admit' | undefined;
      readonly allCas: readonly string[];
    },
  ];
  'no-crl': [Pick<UncoveredCas, 'servername'>];
  'uncovered-cas': [UncoveredCas];
  /** The server listens, and every host at these addresses is a proxy. */
  'proxies-by-address': [{ readonly addresses: readonly string[] }];
  /** The server listens beyond the loopback without TLS, and the secret of the proxies can be read on the way. */
  'secret-in-clear': [{ readonly address: string; readonly port: number }];
  /** The server listens again after its handle was closed. */
  'not-watching': [object];
  signal: [{ readonly signal: 'SIGHUP' }];
  /** `signals: true` was set in a worker thread, which receives no signals. */
  'no-signals': [object];
  /** A reload by a signal found no change. */
  unchanged: [object];
  /** A delta CRL is past its nextUpdate. */
  'delta-stale': [VerifiedCrl];
}

/** Everything that is reported, by name: the events of {@link Mtls}, and the notices for the log. */
export interface Happenings extends MtlsEvents, GateNotices, MaterialEvents, ServerNotices {}
