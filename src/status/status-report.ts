/**
 * The JSON of the status page. Dates are ISO 8601 in UTC, names RFC 4514; what is
 * not there is `null`.
 *
 * @module
 */
import { type ErrorCode } from '../errors.js';
import { type RefusalReason } from '../judgement/refusal.js';
import { type AuthorityState } from '../server/authority-state.js';

/** What the status page says of a server, as data. */
export interface StatusReport {
  /** Now. */
  readonly at: string;
  /** Since when refusals, evictions and reloads are remembered. */
  readonly since: string;
  /** Whether clients can be served, as `mtls.ready` and `/ready` say. */
  readonly ready: boolean;
  /** Whether nothing is wrong, as `mtls.healthy` says. */
  readonly healthy: boolean;
  /** What is wrong with the sources now. */
  readonly faults: readonly StatusFault[];
  /** The CAs in force. */
  readonly authorities: StatusList<StatusAuthority>;
  /** The CRLs in force. Those that run out first come first. */
  readonly crls: StatusList<StatusCrl>;
  /** The certificates that have open connections. Those with the most come first. */
  readonly clients: StatusClients;
  /** The handshakes that were refused. The last one comes first. */
  readonly refusals: StatusRefusals;
  /** The open connections that were ended. The last one comes first. */
  readonly evictions: StatusRefusals;
  /** The reloads that changed something, or failed. The last one comes first. */
  readonly reloads: StatusReloads;
}

/** A source that cannot be used. What it gave before is in force. */
export interface StatusFault {
  /** The file, without its folders unless they were asked for, or the option. */
  readonly source: string;
  /** What is wrong. */
  readonly code: ErrorCode;
  /** The same in words, and what to do. */
  readonly message: string;
  /** Since when. */
  readonly since: string;
}

/** The first or last entries of what there are `total` of. */
export interface StatusList<Entry> {
  /** How many there are, or have been, whether they are listed or not. */
  readonly total: number;
  /** At most 100 CAs, CRLs and clients, and the last 50 of what has happened. */
  readonly list: readonly Entry[];
}

/** The clients that are connected. */
export interface StatusClients extends StatusList<StatusClient> {
  /** How many connections they have together. */
  readonly connections: number;
}

/** Refusals, or evictions. */
export interface StatusRefusals extends StatusList<StatusRefusal> {
  /** How many there were for each reason. */
  readonly byReason: Readonly<Partial<Record<RefusalReason, number>>>;
}

/** What came of reloads. */
export interface StatusReloads extends StatusList<StatusReload> {
  /** How many failed. */
  readonly failed: number;
}

/** A CA in force. */
export interface StatusAuthority {
  /** Its name. */
  readonly subject: string;
  /** Who issued it; its own name, of a root. */
  readonly issuer: string;
  /** Lower-case hex. */
  readonly serialNumber: string;
  /** When it expires. */
  readonly notAfter: string;
  /** Whether it is in date. */
  readonly state: 'current' | 'expired' | 'not-yet-valid';
  /** The names of `sni` that its clients are for; `'*'`: the server, and every name without CAs of its own. */
  readonly names: readonly string[];
  /** Whether a CRL of it is loaded. */
  readonly crl: AuthorityState['crl'];
}

/** A CRL in force. */
export interface StatusCrl {
  /** Whose it is. */
  readonly issuer: string;
  /** The CRL number, in decimal. */
  readonly number: string | null;
  /** The file, without its folders unless they were asked for, or the option it came from. */
  readonly source: string;
  /** How many certificates it lists. */
  readonly entries: number;
  /** When it was issued. */
  readonly thisUpdate: string;
  /** When it runs out. */
  readonly nextUpdate: string | null;
  /** When it was read. */
  readonly loadedAt: string;
  /** `'stale'`: past its nextUpdate. */
  readonly state: 'current' | 'stale';
  /** The part of its life that is left, from 0 to 1. */
  readonly left: number | null;
}

/** The open connections of one certificate. */
export interface StatusClient {
  /** The name of its holder; `''` where it has none. */
  readonly subject: string;
  /** Who issued it. */
  readonly issuer: string;
  /** Lower-case hex. */
  readonly serialNumber: string;
  /** SHA-256, as node:tls writes it. */
  readonly fingerprint256: string;
  /** When it expires. */
  readonly notAfter: string;
  /** How many are open. */
  readonly connections: number;
  /** When the oldest of them was let in. */
  readonly since: string;
  /** Some of the addresses they come from: at most 5. */
  readonly addresses: readonly string[];
  /** How many addresses they come from. */
  readonly addressCount: number;
}

/** A refusal or an eviction; those of one client or stranger, for one reason, share an entry. */
export interface StatusRefusal {
  /** When the last of them was. */
  readonly at: string;
  /** When the first of them was. */
  readonly firstAt: string;
  /** How many they are. */
  readonly count: number;
  /** Why, in one word. */
  readonly reason: RefusalReason;
  /** The code of the reason. */
  readonly code: ErrorCode;
  /** Of the last of them: what was seen, and what to do. */
  readonly detail: string;
  /** Of the last of them: who its certificate says it is. `null`: no certificate, or none that can be read. */
  readonly subject: string | null;
  /** Of the last of them, lower-case hex. */
  readonly serialNumber: string | null;
  /** Of the last of them. */
  readonly remoteAddress: string;
}

/** What came of a reload. One that changed nothing is not listed, and a fault that stays is listed once. */
export type StatusReload = StatusReloaded | StatusReloadFailed | StatusRecovered;

/** Something new came into force. */
export interface StatusReloaded {
  /** When. */
  readonly at: string;
  /** That it did. */
  readonly outcome: 'reloaded';
  /** How many certificates are revoked now that were not. */
  readonly added: number;
  /** How many certificates were revoked and are listed no more. */
  readonly removed: number;
  /** How many open connections were ended. */
  readonly evicted: number;
  /** From the reading of the files to the last eviction, in milliseconds. */
  readonly durationMs: number;
}

/** A source was at fault, and what it gave before stayed in force. */
export interface StatusReloadFailed {
  /** When. */
  readonly at: string;
  /** That it was. */
  readonly outcome: 'failed';
  /** The file, without its folders unless they were asked for, or the option. */
  readonly source: string;
  /** The fault; of several, the first. */
  readonly code: ErrorCode;
  /** What is wrong, and what to do. */
  readonly message: string;
}

/** A source that was at fault can be used again. */
export interface StatusRecovered {
  /** When. */
  readonly at: string;
  /** That it can. */
  readonly outcome: 'recovered';
  /** The file, without its folders unless they were asked for, or the option. */
  readonly source: string;
  /** What was wrong. */
  readonly code: ErrorCode;
}
