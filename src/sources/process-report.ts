/**
 * The report of a process in a store: text in, checked values out.
 *
 * @module
 */
import { hostname } from 'node:os';
import { type CrlInForce } from '../material/source-options.js';

/** A process, and the CRLs that it has in force. */
export interface ProcessReport {
  /** Identifies the process. */
  readonly id: string;
  /** When the process started. */
  readonly startedAt: Date;
  /** When it reported, by its own clock. */
  readonly at: Date;
  /** The keys in the store whose CRL it has in force, and their versions. */
  readonly versions: ReadonlyMap<string, string>;
  /** The CRLs that it has in force. */
  readonly crls: readonly CrlInForce[];
}

/**
 * A {@link ProcessReport} that was read from a store, with the host and process id that it claims.
 * @example
 * ```ts
 * const processes: FleetProcess[] = await readFleet(store);
 * const behind = processes.filter(({ crls }) => crls.every(({ crlNumber }) => crlNumber !== 5n));
 * ```
 */
export interface FleetProcess extends ProcessReport {
  /** The name of its host. */
  readonly host: string;
  /** Its process id on that host. */
  readonly pid: number;
  /** The version of Node. */
  readonly node: string;
}

/** When this process started. */
export const startedAt: Date = new Date(Date.now() - process.uptime() * 1000);

// A report names this many CRLs, and the versions of this many keys.
const mostCrls = 64;
const mostVersions = 512;
const longestName = 256;

/** The report of this process as text. */
export function formatReport({ id, startedAt: since, at, versions, crls }: ProcessReport): string {
  return JSON.stringify({
    id,
    host: hostname().slice(0, longestName),
    pid: process.pid,
    node: process.version,
    startedAt: since,
    at,
    versions: Object.fromEntries([...versions].slice(0, mostVersions)),
    crls: crls.slice(0, mostCrls).map(({ issuer, crlNumber, deltaBase, ...dates }) => ({
      issuer: issuer.slice(0, longestName),
      crlNumber: crlNumber?.toString(),
      deltaBase: deltaBase?.toString(),
      ...dates,
    })),
  });
}

/** Reads a report; `undefined` if it is not one. Anyone who may write to the store can claim anything in it. */
export function parseReport(text: string): FleetProcess | undefined {
  try {
    return read(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function read(value: unknown): FleetProcess {
  const given = objectOf(value);
  const pid = given['pid'];
  if (typeof pid !== 'number' || !Number.isSafeInteger(pid)) throw new TypeError('no process id');
  const crls = given['crls'];
  if (!Array.isArray(crls)) throw new TypeError('no CRLs');
  const versions = Object.entries(objectOf(given['versions'])).slice(0, mostVersions);
  return {
    id: textOf(given['id']),
    host: textOf(given['host']),
    pid,
    node: textOf(given['node']),
    startedAt: dateOf(given['startedAt']),
    at: dateOf(given['at']),
    versions: new Map(versions.map(([key, version]) => [textOf(key), textOf(version)])),
    crls: crls.slice(0, mostCrls).map(readCrl),
  };
}

function readCrl(value: unknown): CrlInForce {
  const given = objectOf(value);
  const nextUpdate = given['nextUpdate'];
  return {
    issuer: textOf(given['issuer']),
    crlNumber: numberOf(given['crlNumber']),
    deltaBase: numberOf(given['deltaBase']),
    thisUpdate: dateOf(given['thisUpdate']),
    nextUpdate: nextUpdate === undefined ? undefined : dateOf(nextUpdate),
  };
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) throw new TypeError('not an object');
  return value as Readonly<Record<string, unknown>>;
}

function textOf(value: unknown): string {
  if (typeof value !== 'string' || value.length > longestName) throw new TypeError('not a short text');
  return value;
}

function dateOf(value: unknown): Date {
  const date = new Date(textOf(value));
  if (Number.isNaN(date.getTime())) throw new TypeError('not a date');
  return date;
}

// A CRL number has at most 20 octets (RFC 5280 section 5.2.3).
function numberOf(value: unknown): bigint | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'string' || !/^\d{1,49}$/.test(value)) throw new TypeError('not a CRL number');
  return BigInt(value);
}
