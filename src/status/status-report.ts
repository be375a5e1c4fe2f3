/**
 * The JSON of the status page. Dates are ISO 8601 in UTC, names are RFC 4514, and a missing value is `null`.
 *
 * @module
 */
import { type ErrorCode } from '../errors.js';
import { type RefusalReason } from '../judgement/refusal.js';
import { type StatusAuthority, type StatusCrl, type StatusList } from './status-material.js';
import {
  type StatusCertificate,
  type StatusExpiry,
  type StatusForbidden,
  type StatusLastHour,
  type StatusProxies,
  type StatusServer,
} from './status-overview.js';

/**
 * The status of a server.
 * @example
 * ```ts
 * const response = await fetch('https://localhost:4433/status');
 * const { healthy, crls } = (await response.json()) as StatusReport;
 * if (!healthy) console.warn(crls.list.filter(({ state }) => state === 'stale'));
 * ```
 */
export interface StatusReport {
  /** The time of the report. */
  readonly at: string;
  /** The start of the history of refusals, evictions and reloads. */
  readonly since: string;
  /** Whether clients can be served: `mtls.ready`, as at `/ready`. */
  readonly ready: boolean;
  /** Whether there is no fault and no stale CRL: `mtls.healthy`. */
  readonly healthy: boolean;
  /** The faults of the sources. */
  readonly faults: readonly StatusFault[];
  /** The process. */
  readonly server: StatusServer;
  /** Everything that expires, the first to expire first: server certificates, CAs and CRLs. */
  readonly expiries: StatusList<StatusExpiry>;
  /** The certificates that the server presents: its own, then those of `sni`. */
  readonly certificates: StatusList<StatusCertificate>;
  /** The CAs in force. */
  readonly authorities: StatusList<StatusAuthority>;
  /** The CRLs in force, earliest nextUpdate first. */
  readonly crls: StatusList<StatusCrl>;
  /** The certificates with open connections, most connections first. */
  readonly clients: StatusClients;
  /** The refused handshakes, newest first. */
  readonly refusals: StatusRefusals & {
    /** The refusals within the last hour. */
    readonly lastHour: StatusLastHour;
  };
  /** The evicted connections, newest first. */
  readonly evictions: StatusRefusals;
  /** The reloads that changed something or failed, newest first. */
  readonly reloads: StatusReloads;
  /** The requests that rules forbade (status 403), newest first. */
  readonly forbidden: StatusList<StatusForbidden> & {
    /** Those within the last hour. */
    readonly lastHour: StatusLastHour<'forbidden'>;
  };
  /** The proxies; only with the option `proxies` of the server. */
  readonly proxies?: StatusProxies;
  /** The processes that report to the same store; only with the option `fleet`. */
  readonly fleet?: StatusFleet;
}

/** The fleet. */
export interface StatusFleet extends StatusList<StatusProcess> {
  /** `'failed'`: the store could not be read. */
  readonly outcome: 'read' | 'failed';
}

/** A process, as it describes itself in the store. */
export interface StatusProcess {
  /** The name of its host. */
  readonly host: string;
  /** Its process id. */
  readonly pid: number;
  /** When it started. */
  readonly startedAt: string;
  /** When it last reported. */
  readonly reportedAt: string;
  /** The CRLs that it has in force, at most ten. */
  readonly crls: readonly StatusProcessCrl[];
}

/** A CRL that a process has in force. */
export interface StatusProcessCrl {
  /** The CA that issued it. */
  readonly issuer: string;
  /** Its number; `null` if it has none. */
  readonly number: string | null;
  /** Whether it is a delta CRL. */
  readonly isDelta: boolean;
  /** Its thisUpdate. */
  readonly thisUpdate: string;
}

/** A source with a fault. Its last-good copy stays in force. */
export interface StatusFault {
  /** The file or option. Directories are shown only with `sources: 'paths'`. */
  readonly source: string;
  /** What is wrong. */
  readonly code: ErrorCode;
  /** The fault in words, and how to fix it. */
  readonly message: string;
  /** When the fault was first found. */
  readonly since: string;
}

/** The connected clients. */
export interface StatusClients extends StatusList<StatusClient> {
  /** The number of their connections. */
  readonly connections: number;
}

/** Refusals or evictions. */
export interface StatusRefusals extends StatusList<StatusRefusal> {
  /** The number of events by reason. */
  readonly byReason: Readonly<Partial<Record<RefusalReason, number>>>;
}

/** The results of reloads. */
export interface StatusReloads extends StatusList<StatusReload> {
  /** The number of failed reloads. */
  readonly failed: number;
}

/** The open connections of one certificate. */
export interface StatusClient {
  /** The subject of the certificate; `''` if it is empty. */
  readonly subject: string;
  /** The issuer of the certificate. */
  readonly issuer: string;
  /** Lower-case hex. */
  readonly serialNumber: string;
  /** SHA-256 in the notation of node:tls. */
  readonly fingerprint256: string;
  /** When it expires. */
  readonly notAfter: string;
  /** The number of open connections. */
  readonly connections: number;
  /** When the oldest connection was admitted. */
  readonly since: string;
  /** At most 5 of the remote addresses. */
  readonly addresses: readonly string[];
  /** The number of remote addresses. */
  readonly addressCount: number;
}

/** A refusal or an eviction. Events with the same client (or unknown client) and reason share an entry. */
export interface StatusRefusal {
  /** The time of the last event. */
  readonly at: string;
  /** The time of the first event. */
  readonly firstAt: string;
  /** The number of events. */
  readonly count: number;
  /** The reason. */
  readonly reason: RefusalReason;
  /** The error code for the reason. */
  readonly code: ErrorCode;
  /** What was seen at the last event, and how to fix it. */
  readonly detail: string;
  /** The subject of the certificate at the last event; `null` without a readable certificate. */
  readonly subject: string | null;
  /** The serial number of that certificate in lower-case hex. */
  readonly serialNumber: string | null;
  /** The remote address of the last event. */
  readonly remoteAddress: string;
}

/** The result of a reload. A reload that changed nothing is not listed, and a lasting fault is listed once. */
export type StatusReload = StatusReloaded | StatusReloadFailed | StatusRecovered;

/** A reload that changed what is in force. */
export interface StatusReloaded {
  /** When. */
  readonly at: string;
  /** The result. */
  readonly outcome: 'reloaded';
  /** The number of newly revoked certificates. */
  readonly added: number;
  /** The number of certificates that no CRL lists any more. */
  readonly removed: number;
  /** The number of evicted connections. */
  readonly evicted: number;
  /** The time from reading the files to the last eviction, in milliseconds. */
  readonly durationMs: number;
}

/** A source with a fault. Its last-good copy stayed in force. */
export interface StatusReloadFailed {
  /** When. */
  readonly at: string;
  /** The result. */
  readonly outcome: 'failed';
  /** The file, without its folders unless they were asked for, or the option. */
  readonly source: string;
  /** The fault. For several, the first one. */
  readonly code: ErrorCode;
  /** The fault in words, and how to fix it. */
  readonly message: string;
}

/** A source whose fault no longer stands. */
export interface StatusRecovered {
  /** When. */
  readonly at: string;
  /** The result. */
  readonly outcome: 'recovered';
  /** The file, without its folders unless they were asked for, or the option. */
  readonly source: string;
  /** The fault. */
  readonly code: ErrorCode;
  /** Whether the file was removed. Otherwise the source can be used again. */
  readonly removed: boolean;
}
