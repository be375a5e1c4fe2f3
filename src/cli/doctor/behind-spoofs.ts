/**
 * Header lines that a client could send in place of a proxy, and which of them arrived.
 *
 * @module
 */
import { type ForwardedEncoding, knownHeaders } from '../../forwarded/forwarded-header.js';
import { formatPem } from '../../x509/pem.js';
import { type SentHeaders } from './answer-reading.js';
import { knownNames } from './behind-headers.js';

// A self-signed certificate, CN=express-mtls doctor, whose key was not kept. It only has to be a certificate, and short:
// all headers together must fit into one request.
const spoofed = Buffer.from(
  'MIH4MIGrAhR13CRLHNCf6W3mLpFwMZKQRmyu3TAFBgMrZXAwHjEcMBoGA1UEAwwTZXhwcmVzcy1tdGxzIGRvY3RvcjAgFw0yNjExMzAxNTM5NTZa' +
    'GA8yMTI2MTEwNjE1Mzk1NlowHjEcMBoGA1UEAwwTZXhwcmVzcy1tdGxzIGRvY3RvcjAqMAUGAytlcAMhABDxeTfMKFFccwAKFEBveRPDLTWr7iog' +
    'AII2k/49iUWjMAUGAytlcANBACYii7se+fYLc8u2unBVygBc9u1lQ62ckR/pNRz0V5yVG9MjjGVQQYufpFH+RYujOJAS4RM4IGfX9L2uyEnboAA=',
  'base64',
);

// The same in every encoding: no line break comes so early, and nothing in it is escaped.
const beginning = spoofed.toString('base64').slice(0, 60);

const pem = formatPem({ label: 'CERTIFICATE', der: spoofed });

const values: Readonly<Record<ForwardedEncoding, string>> = {
  rfc9440: `:${spoofed.toString('base64')}:`,
  'percent-pem': encodeURIComponent(pem),
  'spaced-pem': pem.trimEnd().replaceAll('\n', ' '),
  'base64-der': spoofed.toString('base64'),
  xfcc: `Cert="${encodeURIComponent(pem)}"`,
};

/** How a name is sent. */
export interface SpoofForm {
  readonly title: string;
  readonly nameOf: (name: string) => string;
  readonly isTwice?: true;
}

/** All that are tried. */
export const spoofForms: readonly SpoofForm[] = [
  { title: 'in lower case', nameOf: (name) => name },
  { title: 'in upper case', nameOf: (name) => name.toUpperCase() },
  { title: 'with underscores', nameOf: (name) => name.replaceAll('-', '_') },
  { title: 'twice', nameOf: (name) => name, isTwice: true },
];

/** The names to try: those of every preset, and the one that the proxy sets. */
export function namesToTry(own: string | undefined): readonly string[] {
  return own === undefined || knownNames.includes(own) ? knownNames : [own, ...knownNames];
}

/** The header lines of a form. */
export function spoofedHeaders(names: readonly string[], { nameOf, isTwice }: SpoofForm): SentHeaders {
  return Object.fromEntries(
    names.map((name) => {
      const value = valueOf(name);
      return [nameOf(name), isTwice === true ? [value, value] : value];
    }),
  );
}

function valueOf(name: string): string {
  const known = knownHeaders
    .flatMap(({ certificate, chain }) => [certificate, ...(chain === undefined ? [] : [chain])])
    .find((field) => field.name === name);
  return values[known?.encoding ?? 'percent-pem'];
}

/**
 * The names, in lower case, under which something that a client sent arrived. Part of a value counts: proxies may add
 * their own to it.
 */
export function arrivedSpoofs(rawHeaders: readonly string[]): string[] {
  const names = rawHeaders.filter((_, at) => at % 2 === 0 && (rawHeaders[at + 1] ?? '').includes(beginning));
  return [...new Set(names.map((name) => name.toLowerCase()))];
}
