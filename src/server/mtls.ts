/**
 * The handle of a protected server, as its user sees it.
 *
 * @module
 */
import { type MtlsError } from '../errors.js';
import { type ClientIdentity } from '../identity/client-identity.js';
import { type Explanation } from '../judgement/explanation.js';
import { type RevocationEntryState } from '../revocation/revocation-state.js';
import { type AuthorityState } from './authority-state.js';
import { type MtlsEvents, type ReloadReport, type StandingFault, type TypedEventEmitter } from './events.js';
import { type Explicable } from './explicable.js';

/** The CRLs in force. */
export interface RevocationState {
  /** Each of them, whichever source it came from. */
  readonly crls: readonly RevocationEntryState[];
  /** The CAs of which no CRL is loaded, though some are: by default whatever those CAs issued is refused. */
  readonly uncovered: readonly string[];
  /** Whether every CRL is in date. For a readiness probe. `true` where no CRL was configured. */
  readonly healthy: boolean;
}

/** One open connection that was let in. */
export interface ConnectionState {
  /** Who is at its other end. */
  readonly identity: ClientIdentity;
  /** Its IP address, IPv4 as IPv4; `'unknown address'` where the socket has none. */
  readonly remoteAddress: string;
  /** When the client was let in. */
  readonly since: Date;
}

/** What is published on the channel `express-mtls.NAME` of node:diagnostics_channel. */
export interface MtlsMessage<Name extends keyof MtlsEvents = keyof MtlsEvents> {
  /** The handle that it is about; `undefined` for a server on options of `createServerOptions()`. */
  readonly mtls: Mtls | undefined;
  /** What listeners of the event NAME are given. */
  readonly event: MtlsEvents[Name][0];
}

/** The certificate that a server shows. */
export interface ServerCertificateState {
  /** The name of `sni` that it is for; `undefined`: the server's own. */
  readonly servername: string | undefined;
  /** Until when it holds. */
  readonly notAfter: Date;
}

/** The handle of a protected server. */
export interface Mtls extends AsyncDisposable, TypedEventEmitter<MtlsEvents> {
  /** The CAs in force now, those of the names of `sni` among them. */
  readonly authorities: readonly AuthorityState[];
  /** The CRLs in force now. */
  readonly revocation: RevocationState;
  /** The certificates that the server shows now: its own, then those of `sni`. */
  readonly certificates: readonly ServerCertificateState[];
  /** What is wrong with the sources, as `'reload-failed'` reported it and until `'recovered'` does. Oldest first. */
  readonly faults: readonly StandingFault[];
  /** The error of the first of {@link Mtls.faults}; `undefined`: nothing is wrong. */
  readonly fault: MtlsError | undefined;
  /** Whether nothing is wrong: no fault stands, and no CRL is stale. For alarms. */
  readonly healthy: boolean;
  /**
   * Whether clients can be served: something is in force, and not every CRL is stale. For a readiness probe: the CRL of
   * one partner that expires does not make it false.
   */
  readonly ready: boolean;
  /** The open connections of clients with a certificate. */
  readonly connections: Iterable<ConnectionState>;
  /**
   * Reads every source again, and puts into force what can be used: each CRL, removed CAs, CAs that are new once every
   * source of `ca` reads, and each key with its certificate. Calls that overlap share one reading.
   * @throws MtlsError every fault, once the rest is in force. What a faulty source gave before stays. The
   *   `'reload-failed'` event reports the same.
   */
  reload(): Promise<ReloadReport>;
  /**
   * Says why a client is let in or not: each check, the CAs and CRLs it rests on, and which of the rules that
   * `requireClient()` was given in this process would grant.
   * @param subject - An identity, a certificate, or PEM or DER.
   * @param servername - Which of the names of `sni` the client asks for; by default none of them.
   * @throws MtlsError `ERR_MTLS_PEM_INVALID` for text that holds no certificate.
   */
  explain(subject: Explicable, servername?: string): Explanation;
  /** Stops watching the sources. The gate goes on judging by what is in force. */
  close(): Promise<void>;
}
