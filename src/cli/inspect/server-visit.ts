/**
 * What a server presents to a client without a certificate.
 *
 * @module
 */
import { isIP } from 'node:net';
import { connect, type DetailedPeerCertificate, type TLSSocket } from 'node:tls';
import { locating, MtlsError } from '../../errors.js';
import { parseCertificate } from '../../x509/certificate.js';
import { shorten } from '../../x509/string.js';
import { rowsOf } from './certificate-report.js';
import { type Found } from './material.js';
import { type Report } from './report.js';
import { type HelloOutcome, helloTimeoutMs, type Place, sayHello } from './tls12-hello.js';

/** The result of a visit. */
export interface Visit {
  readonly url: string;
  /** The host name that was requested. */
  readonly hostname: string;
  /** Its chain, its own certificate first. */
  readonly found: readonly Extract<Found, { kind: 'certificate' }>[];
  /** `undefined` if the server aborted the handshake, as it may without a client certificate. */
  readonly session: { readonly protocol: string; readonly cipher: string } | undefined;
  /** The result of the TLS 1.2 handshake. */
  readonly hello: HelloOutcome;
}

/**
 * Visits a server twice, because node:tls does not report which CAs it requests certificates from.
 * @param servername - Replaces the host in the URL.
 * @throws MtlsError `ERR_MTLS_SERVER_UNREACHABLE` if it is unreachable or does not speak TLS.
 */
export async function visitServer(url: string, servername: string | undefined): Promise<Visit> {
  const place = placeOf(url, servername);
  const [met, hello] = await Promise.all([meet(place), sayHello(place)]);
  const ders = longerOf('ders' in met ? met.ders : [], typeof hello === 'object' ? hello.certificates : []);
  if (ders.length === 0 && 'reason' in met)
    throw new MtlsError('ERR_MTLS_SERVER_UNREACHABLE', {
      source: url,
      seen: `no TLS connection could be made (${met.reason})`,
      remedy: 'check that the server is running, and the port',
    });
  return {
    url,
    hostname: servername ?? place.host,
    found: ders.map((der, index) => ({
      kind: 'certificate',
      certificate: locating(url, () => parseCertificate(der)),
      origin: ders.length === 1 ? url : `${url}, number ${index + 1}`,
    })),
    session: 'ders' in met ? met : undefined,
    hello,
  };
}

/** The longer of two views of one chain: some versions of Node only report the first certificate. */
function longerOf(left: readonly Buffer[], right: readonly Buffer[]): readonly Buffer[] {
  const [first] = left;
  if (first === undefined) return right;
  return right[0]?.equals(first) === true && right.length > left.length ? right : left;
}

/** Whether an argument is the URL of a server. */
export function isUrl(argument: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(argument);
}

function placeOf(text: string, servername: string | undefined): Place {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'https:' || url.hostname === '')
    throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
      source: text,
      seen: 'this is not the URL of a TLS server',
      remedy: 'use https://HOST:PORT, or the path of a file',
    });
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return {
    host,
    port: url.port === '' ? 443 : Number(url.port),
    servername: servername ?? (isIP(host) === 0 ? host : ''),
  };
}

interface Met {
  readonly protocol: string;
  readonly cipher: string;
  readonly ders: readonly Buffer[];
}

async function meet({ host, port, servername }: Place): Promise<Met | { readonly reason: string }> {
  return await new Promise((resolve) => {
    // Nothing is sent, and nothing is trusted: the certificates are checked afterwards. If CAs of this machine certify
    // each other, getPeerCertificate(true) would not return.
    const socket = connect({ host, port, servername, rejectUnauthorized: false, ca: [] });
    const timer = setTimeout(() => {
      resolve({ reason: `no answer in ${helloTimeoutMs / 1000} s` });
      socket.destroy();
    }, helloTimeoutMs);
    socket.once('secureConnect', () => {
      resolve({
        protocol: socket.getProtocol() ?? 'unknown',
        cipher: socket.getCipher().name,
        ders: chainOf(socket),
      });
      socket.destroy();
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      resolve({ reason: error.code ?? error.message });
    });
    socket.once('close', () => {
      clearTimeout(timer);
      resolve({ reason: 'it closed the connection' });
    });
  });
}

const mostCertificates = 10;

function chainOf(socket: TLSSocket): Buffer[] {
  const ders: Buffer[] = [];
  let each = socket.getPeerCertificate(true) as Partial<DetailedPeerCertificate> | undefined;
  while (each?.raw !== undefined && ders.length < mostCertificates) {
    ders.push(each.raw);
    each = each.issuerCertificate === each ? undefined : each.issuerCertificate;
  }
  return ders;
}

/** Describes a server. Its certificates have their own reports. */
export function reportServer({ url, session, hello }: Visit): Report {
  const isHeard = typeof hello === 'object';
  return {
    origin: url,
    title: 'server',
    rows: [
      [
        'TLS',
        session === undefined
          ? '1.2 (it aborts the handshake of a client without a certificate)'
          : `${session.protocol.replace('TLSv', '')}, ${session.cipher}`,
      ],
      ...rowsOf('Asks for', describeRequest(hello)),
    ],
    notes: [],
    verdict: undefined,
    data: {
      type: 'server',
      url,
      protocol: session?.protocol ?? null,
      cipher: session?.cipher ?? null,
      asksForCertificate: isHeard ? hello.asks : null,
      acceptableAuthorities: isHeard ? hello.authorities : null,
    },
  };
}

function describeRequest(hello: HelloOutcome): string[] {
  if (hello === 'other-version') return ['unknown: it only speaks TLS 1.3, where the request is encrypted'];
  if (hello === 'over') return ['unknown: it aborts the TLS 1.2 handshake that would show it'];
  if (!hello.asks) return ['no client certificate'];
  if (hello.authorities.length === 0) return ['a client certificate of any CA'];
  return ['a client certificate of', ...hello.authorities.map((name) => `  ${shorten(name)}`)];
}
