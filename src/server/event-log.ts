/**
 * Turns events and notices into log lines with level, fields and message, and limits their number.
 *
 * @module
 */
import { type ClientIdentity } from '../identity/client-identity.js';
import { abbreviate, describeName } from '../judgement/refusal.js';
import { type Logger } from '../logger.js';
import { namesRemedy } from '../material/authority-names.js';
import { count } from '../quantity.js';
import { firstOf, listSome } from '../shortened-list.js';
import { describeCrl } from '../revocation/verified-crl.js';
import { callApp } from './app-call.js';
import { type ChangedCa, type Happenings, type ReloadReport } from './events.js';
import { RefusalLog, type Suppressed } from './refusal-log.js';
import { describeFault, ReportedFaults } from './reported-faults.js';

interface Line {
  readonly level: keyof Logger;
  readonly fields: object;
  readonly message: string;
}

/** Makes the line of each happening; `undefined` if it is not logged. */
type Lines = {
  readonly [Name in keyof Happenings]: ((...args: Happenings[Name]) => Line) | undefined;
};

/** The warning about `signals: true` in a worker thread. */
export const noSignals =
  'signals: true has no effect in a worker thread, which receives no signals: handle SIGHUP in the main thread, and call reload() from there';

const throughProxies = { refuse: ', only through proxies', admit: ', also through proxies' } as const;

const lines: Lines = {
  // Not logged: one line for each handshake would be most of the log. requestLog() writes one for each request.
  authenticated: undefined,
  refused: ({ identity, ...event }) =>
    warn(
      { ...event, ...describeIdentity(identity) },
      `refused: ${event.reason}, ${nameClient(identity, event)}`,
    ),
  evicted: ({ identity, ...event }) =>
    warn(
      { ...event, ...describeIdentity(identity) },
      `evicted: ${event.reason}, ${nameClient(identity, event)}`,
    ),
  forbidden: ({ identity, ...event }) =>
    warn(
      { ...event, ...describeIdentity(identity) },
      `forbidden by the rule of the route: ${nameClient(identity, event)}`,
    ),
  'rule-failed': ({ identity, error, ...event }) =>
    warn(
      { ...event, err: error, ...describeIdentity(identity) },
      `a rule threw, and the request was forbidden: ${nameClient(identity, event)}`,
    ),
  'request-failed': ({ identity, error, ...event }) =>
    failure(
      { ...event, code: error.code, detail: describeFault(error), ...describeIdentity(identity) },
      `a request failed (${error.code}): ${describeFault(error)}`,
    ),
  'plain-http': (event) =>
    warn(
      event,
      `refused: plain-http, ${event.remoteAddress}; the client sent HTTP without TLS: call https://`,
    ),
  'status-unguarded': ({ identity, ...event }) =>
    warn(
      { ...event, ...describeIdentity(identity) },
      `the status page was requested, but no rule guards it: mount it behind requireClient(rule), or set the option access of statusRouter(): ${nameClient(identity, event)}`,
    ),
  'gate-failed': ({ error }) => failure({ err: error }, 'the gate failed and refused the client'),
  'handshakes-dropped': ({ dropped, limit }) =>
    warn(
      { dropped, limit },
      `${count(dropped, 'handshake')} dropped within a minute: more than ${limit} at once`,
    ),
  reloaded: (report) => info(describeReload(report), `reloaded: ${sayReload(report)}`),
  'reload-failed': ({ source, error }) =>
    failure(
      { source, code: error.code, detail: error.message },
      `reload failed (${error.code}): the last-good copy of ${source} stays in force`,
    ),
  recovered: ({ source, error, since, removed }) =>
    info(
      { source, code: error.code, since, removed },
      removed
        ? `${source} was removed: ${error.code} no longer applies`
        : isUrl(source)
          ? `${source} is no longer at fault: ${error.code} no longer applies`
          : `${source} can be used again: ${error.code} is fixed`,
    ),
  'crl-expiring': (event) => {
    const which = event.number === undefined ? '' : ` number ${event.number}`;
    const name = `the CRL${which} of "${describeName(event.issuer)}"`;
    return warn(event, `${name} has the nextUpdate ${event.nextUpdate.toISOString()}; publish a newer one`);
  },
  'delta-stale': ({ crl, origin }) => {
    const since = crl.nextUpdate === undefined ? '' : ` at ${crl.nextUpdate.toISOString()}`;
    return warn(
      { issuer: crl.issuer, nextUpdate: crl.nextUpdate, source: origin },
      `the ${describeCrl(crl)} expired${since}: its entries stay revoked, it removes no entries, and its base decides; publish a newer delta CRL`,
    );
  },
  'crl-without-number': ({ crl, origin }) =>
    warn(
      { issuer: crl.issuer, source: origin },
      `${origin}: the ${describeCrl(crl)} has no CRL number, which RFC 5280 section 5.2.3 requires. Only its thisUpdate ` +
        'distinguishes it from an older CRL: a CA that was restored from a backup can undo revocations unnoticed, and no ' +
        'delta CRL can be combined with it. Have the CA number its CRLs (openssl ca: "crlnumber" in its .cnf)',
    ),
  'file-unlinked': ({ source }) =>
    warn(
      { source },
      `${source} was removed or replaced, and this process can only see the old file: no update reaches it. ` +
        'A mount of a single file does this: mount its folder instead, and restart the container',
    ),
  'long-ca-names': ({ octets, limit, cas, servername }) =>
    warn(
      { octets, cas },
      `${under(servername)}the names of the CAs (${cas}) take ${octets} octets in the handshake, but clients in Java accept ${limit}; ${namesRemedy}`,
    ),
  'few-clients': ({ code, detail }) => warn({ code, detail }, detail),
  listening: ({ allCas, place, ...fields }) => {
    const through = fields.direct === undefined ? '' : throughProxies[fields.direct];
    return info(fields, `listening: ${[...place, `clients of ${listSome(allCas)}${through}`].join(', ')}`);
  },
  'no-crl': ({ servername }) =>
    warn({}, `${under(servername)}no CRL is configured: no certificate is ever revoked`),
  'uncovered-cas': ({ uncovered, unknown, servername }) => {
    const whose = uncovered.length === 1 ? 'its' : 'their';
    const consequence = unknown === 'deny' ? 'are refused' : 'are never revoked';
    return warn(
      { uncovered: firstOf(uncovered), uncoveredCount: uncovered.length },
      `${under(servername)}no CRL of ${listSome(uncovered)} is loaded: ${whose} clients ${consequence}`,
    );
  },
  'proxies-by-address': ({ addresses }) =>
    warn(
      { addresses: firstOf(addresses), addressCount: addresses.length },
      `every program that can connect from ${listSome(addresses)} is trusted as a proxy, and can impersonate any client: prefer proxies.from with ca, socket or secret`,
    ),
  'secret-in-clear': ({ address, port }) =>
    warn(
      { address, port },
      `the secret of proxies.from is sent without TLS to ${address}, port ${port}: anyone who can read it there can impersonate any client; listen on the loopback interface, or set key and cert`,
    ),
  'not-watching': () =>
    failure(
      {},
      'the server listens, but its handle was closed: its files are not watched; create a new server',
    ),
  signal: ({ signal }) => info({ signal }, `${signal}: reading the sources again`),
  'no-signals': () => warn({}, noSignals),
  unchanged: () => info({}, 'reloaded: nothing has changed'),
};

/** The message of an event's line; `undefined` if it has none. */
export function messageOf<Name extends keyof Happenings>(
  name: Name,
  ...args: Happenings[Name]
): string | undefined {
  return lines[name]?.(...args).message;
}

/** Writes to the logger of the app. Errors of the logger are reported. */
export class EventLog {
  readonly #logger: Logger;
  readonly #refusals: RefusalLog;
  readonly #faults = new ReportedFaults();

  /**
   * @param now - Milliseconds since 1970.
   */
  constructor(logger: Logger, now: () => number) {
    this.#logger = logger;
    this.#refusals = new RefusalLog(now, (suppressed) => {
      this.#write('refused-more', describeSuppressed(suppressed));
    });
  }

  /** Writes the line of a happening, unless too many of its kind were written. */
  write<Name extends keyof Happenings>(name: Name, ...args: Happenings[Name]): void {
    if (!this.#mayWrite(name, ...args)) return;
    const line = lines[name]?.(...args);
    if (line !== undefined) this.#write(name, line);
  }

  /** Writes pending lines. */
  flush(): void {
    this.#refusals.flush();
  }

  #mayWrite<Name extends keyof Happenings>(name: Name, ...[event]: Happenings[Name]): boolean {
    if (name === 'request-failed')
      return this.#faults.isNew((event as Happenings['request-failed'][0]).error);
    if (name !== 'refused' && name !== 'plain-http') return true;
    const { remoteAddress, reason = 'plain-http' } = event as Partial<Happenings['refused'][0]> &
      Happenings['plain-http'][0];
    return this.#refusals.mayWrite(remoteAddress, reason);
  }

  #write(event: string, { level, fields, message }: Line): void {
    const logger: Readonly<Record<keyof Logger, (given: object, text: string) => unknown>> = this.#logger;
    callApp('the logger', () => logger[level]({ event, ...fields }, message));
  }
}

/** The fields of a reload's line: the report, with at most ten CAs, whose names are text. */
function describeReload({ addedCas, removedCas, coveredCas, ...report }: ReloadReport): object {
  const nameAll = (cas: readonly ChangedCa[]): object[] =>
    firstOf(cas).map(({ subject, ...ca }) => ({ ...ca, subject: abbreviate(subject) }));
  return {
    ...report,
    addedCas: nameAll(addedCas),
    removedCas: nameAll(removedCas),
    coveredCas: nameAll(coveredCas),
  };
}

/** `server certificate replaced, valid until 2027-11-29; CA "CN=partner" added, without a CRL; 3 newly revoked, …` */
function sayReload({ certificates, addedCas, removedCas, coveredCas, ...report }: ReloadReport): string {
  const nameOf = ({ subject, servername }: ChangedCa): string =>
    `CA "${describeName(subject)}"${servername === undefined ? '' : ` of ${servername}`}`;
  return [
    ...firstOf(certificates).map(({ servername, notAfter }) => {
      const whose = servername === undefined ? 'server certificate' : `certificate of ${servername}`;
      return `${whose} replaced, valid until ${notAfter.toISOString().slice(0, 10)}`;
    }),
    ...firstOf(addedCas).map((ca) => `${nameOf(ca)} added${ca.crl === 'missing' ? ', without a CRL' : ''}`),
    ...firstOf(removedCas).map((ca) => `${nameOf(ca)} removed`),
    ...firstOf(coveredCas).map((ca) => `${nameOf(ca)} now has a CRL, so its clients can be checked`),
    `${report.added} newly revoked, ${report.removed} no longer listed, ${count(report.evicted, 'connection')} closed, ${report.durationMs} ms`,
  ].join('; ');
}

/** A loader may no longer ask a server at all, for example because no client names it any more. */
function isUrl(source: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(source);
}

function describeSuppressed({ remoteAddress, reason, count }: Suppressed): Line {
  const message = `refused: ${reason}, ${count} more from ${remoteAddress} within a minute`;
  return warn({ remoteAddress, reason, count }, message);
}

function info(fields: object, message: string): Line {
  return { level: 'info', fields, message };
}

function warn(fields: object, message: string): Line {
  return { level: 'warn', fields, message };
}

function failure(fields: object, message: string): Line {
  return { level: 'error', fields, message };
}

function under(servername: string | undefined): string {
  return servername === undefined ? '' : `under the name ${servername} `;
}

/** The client of a line. The values are not escaped here; pino escapes them. */
function describeIdentity(identity: ClientIdentity | undefined): object {
  if (identity === undefined) return {};
  const { commonName, subject, issuer, serialNumber, fingerprint256 } = identity;
  return {
    commonName,
    subject: abbreviate(subject),
    issuer: abbreviate(issuer),
    serialNumber: abbreviateSerial(serialNumber),
    fingerprint256,
  };
}

/** The client in the message of a line: `CN=client2, serial 1002, 127.0.0.1`. */
function nameClient(
  identity: ClientIdentity | undefined,
  { remoteAddress }: { readonly remoteAddress: string },
): string {
  if (identity === undefined) return remoteAddress;
  const subject = identity.subject.isEmpty ? 'no subject' : describeName(identity.subject);
  return `${subject}, serial ${abbreviateSerial(identity.serialNumber)}, ${remoteAddress}`;
}

// RFC 5280 section 4.1.2.2 allows 20 octets, but a certificate can have more.
function abbreviateSerial(serialNumber: string): string {
  return serialNumber.slice(0, 64);
}
