/**
 * Whom a certificate names: what callers may ask for, checked, and the
 * one-line form in which OpenSSL's database keeps a subject.
 *
 * @module
 */
import { isIP } from 'node:net';
import { MtlsError } from '../errors.js';

/** The subject of a certificate, in the order in which it is written: O, OU, CN. */
export interface Subject {
  readonly organization?: string | undefined;
  readonly organizationalUnit?: string | undefined;
  readonly commonName: string;
}

/** The subjectAltName of a certificate; all lists may be empty. */
export interface AltNames {
  readonly dns: readonly string[];
  readonly ip: readonly string[];
  readonly email: readonly string[];
  readonly uri: readonly string[];
}

/**
 * Checks the parts of a subject: 1 to 64 characters each, none of them a control character.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID`
 */
export function checkSubject(subject: Subject): Subject {
  for (const [part, value] of Object.entries(subject) as [string, string | undefined][]) {
    if (value === undefined) continue;
    // RFC 5280 appendix A.1: ub-common-name, ub-organization-name and ub-organizational-unit-name are 64.
    const length = Array.from(value).length;
    if (length >= 1 && length <= 64 && !/[\p{Cc}\p{Cs}]/u.test(value)) continue;
    throw invalid(part, value, 'use 1 to 64 characters, no control characters');
  }
  return subject;
}

/**
 * Checks the entries of a subjectAltName.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID`
 */
export function checkAltNames(names: AltNames): AltNames {
  for (const dns of names.dns) {
    if (!/^(?:\*\.)?[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*$/.test(dns)) {
      throw invalid('dns', dns, 'use a host name in ASCII, such as "localhost"');
    }
  }
  for (const ip of names.ip) {
    if (isIP(ip) === 0 || ip.includes('%'))
      throw invalid('ip', ip, 'use an address such as "127.0.0.1" or "::1"');
  }
  for (const email of names.email) {
    if (!/^[\x21-\x3f\x41-\x7e]+@[A-Za-z0-9.-]+$/.test(email)) {
      throw invalid('email', email, 'use an address in ASCII, such as "client1@example.com"');
    }
  }
  for (const uri of names.uri) {
    if (!/^[\x21-\x7e]+$/.test(uri) || !URL.canParse(uri)) {
      throw invalid('uri', uri, 'use an absolute URI in ASCII, such as "spiffe://example.org/client1"');
    }
  }
  return names;
}

/**
 * Writes a subject as X509_NAME_oneline of OpenSSL 3 does, such as `/O=Example/CN=client1`: `/` and `+` in a
 * value as `\/` and `\+`, bytes outside printable ASCII as `\xHH`. `openssl ca` compares it byte by byte.
 */
export function formatOneline(subject: Subject): string {
  const parts = [
    ['O', subject.organization],
    ['OU', subject.organizationalUnit],
    ['CN', subject.commonName],
  ] as const;
  return parts.map(([type, value]) => (value === undefined ? '' : `/${type}=${escapeValue(value)}`)).join('');
}

/**
 * The last commonName of a subject in that one-line form, for display and for look-ups by name: the form
 * does not escape `\`, so a value that itself looks like an escape reads as what it looks like.
 */
export function commonNameOf(oneline: string): string | undefined {
  const attributes = oneline.split(/(?<!\\)\/(?=[A-Za-z0-9.]+=)/);
  const value = attributes.findLast((attribute) => attribute.startsWith('CN='))?.slice('CN='.length);
  if (value === undefined) return undefined;
  const bytes = value.replace(/\\x([0-9A-F]{2})|\\([/+])/g, (_, hex: string | undefined, plain: string) =>
    hex === undefined ? plain : String.fromCharCode(parseInt(hex, 16)),
  );
  return Buffer.from(bytes, 'latin1').toString('utf8');
}

function escapeValue(value: string): string {
  return Buffer.from(value, 'utf8')
    .toString('latin1')
    .replace(/[/+]/g, String.raw`\$&`)
    .replace(/[^ -~]/g, (char) => `\\x${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`);
}

function invalid(option: string, value: string, remedy: string): MtlsError {
  return new MtlsError('ERR_MTLS_OPTION_INVALID', `${option} is ${JSON.stringify(value)}; ${remedy}`);
}
