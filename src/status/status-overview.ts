/**
 * The parts of the JSON that answer an operator's first questions: which process this is, what expires next, what was
 * refused within the last hour, and which proxies are connected.
 *
 * @module
 */
import { type RefusalReason } from '../judgement/refusal.js';
import { type ProxyState } from '../server/mtls.js';
import { type StatusAuthority, type StatusList } from './status-material.js';

/** The process that reports. */
export interface StatusServer {
  /** The name of its host. */
  readonly host: string;
  /** Its process id. */
  readonly pid: number;
  /** The version of express-mtls. */
  readonly version: string;
  /** The version of Node, such as `'v24.1.0'`. */
  readonly node: string;
  /** When it started. */
  readonly startedAt: string;
}

/** A certificate that the server presents. */
export interface StatusCertificate {
  /** The name of `sni` that it is for; `null` for the server's own. */
  readonly servername: string | null;
  /** When it becomes valid. */
  readonly notBefore: string;
  /** When it expires. */
  readonly notAfter: string;
  /** As in {@link StatusExpiry}. */
  readonly state: StatusExpiry['state'];
}

/** Something that expires. */
export interface StatusExpiry {
  /** What it is. `'proxy-ca'` is a CA of the proxies' certificates. */
  readonly kind: 'server-certificate' | 'ca' | 'proxy-ca' | 'crl';
  /**
   * The subject of a CA, the issuer of a CRL, or the name of `sni` that a server certificate is for; `null` for the
   * server's own certificate.
   */
  readonly name: string | null;
  /** The file or option of a CRL, and its number; `null` for certificates. */
  readonly source: string | null;
  /** The notAfter of a certificate, or the nextUpdate of a CRL. */
  readonly expiresAt: string;
  /** `'soon'`: a fifth of its life is left or less, and at most 30 days. */
  readonly state: 'current' | 'soon' | 'expired';
}

/** Events in each of the last 60 minutes. */
export interface StatusLastHour<Reason extends string = RefusalReason> {
  /** The start of the first of the 60 minutes. The last one has not ended yet. */
  readonly from: string;
  /** The number of events. */
  readonly total: number;
  /** For each reason that occurred, the number of events in each minute, oldest first. */
  readonly byReason: Readonly<Partial<Record<Reason, readonly number[]>>>;
}

/** Requests of one client that one rule forbade. */
export interface StatusForbidden {
  /** The time of the last request. */
  readonly at: string;
  /** The time of the first request. */
  readonly firstAt: string;
  /** The number of requests. */
  readonly count: number;
  /** The subject of the certificate. */
  readonly subject: string;
  /** The serial number of the certificate in lower-case hex. */
  readonly serialNumber: string;
  /** The remote address of the last request. */
  readonly remoteAddress: string;
  /** The method of the last request. */
  readonly method: string | null;
  /** The URL of the last request, without its query. */
  readonly url: string | null;
  /** The rule: `{ commonName: "client1" }`. */
  readonly rule: string;
  /** The parts of the rule that forbid the request, or may. */
  readonly refusedBy: readonly string[];
}

/** The proxies that the server is behind. */
export interface StatusProxies extends StatusList<StatusProxy> {
  /** How a proxy proves itself. */
  readonly proof: ProxyState['proof'];
  /** The number of their open connections. */
  readonly connections: number;
  /** The CAs of their certificates; none if they prove themselves in another way. */
  readonly authorities: StatusList<StatusAuthority>;
}

/** The open connections of a proxy. */
export interface StatusProxy {
  /** The subject of its certificate; `null` if it proves itself in another way. */
  readonly subject: string | null;
  /** The IP address. */
  readonly remoteAddress: string;
  /** The number of open connections. */
  readonly connections: number;
  /** When the oldest was opened. */
  readonly since: string;
}
