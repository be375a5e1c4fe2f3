/**
 * Describes a certificate that was issued, with a new key or for a request.
 *
 * @module
 */
import type { DevCertificate } from '../dev-ca/database.js';
import type { IssuedCertificate } from '../dev-ca/issuance.js';
import type { Pkcs12File } from '../dev-ca/pkcs12.js';
import type { RequestedItem, SignedRequest } from '../dev-ca/request-signing.js';
import type { Answer } from './answer.js';
import { fileLine } from './daily.js';
import type { Terminal } from './terminal.js';
import { describeDate } from './time.js';

/** The answer for a certificate with its key, and its PKCS#12 file, if any. */
export function describeIssued(
  terminal: Terminal,
  issued: IssuedCertificate,
  pkcs12: Pkcs12File | undefined,
): Answer {
  const { outcome, certFile, keyFile } = issued;
  const lines = [fileLine(outcome, certFile), fileLine(outcome, keyFile)];
  if (pkcs12 !== undefined) lines.push(fileLine('made', pkcs12.file));
  if (pkcs12?.passwordFile !== undefined)
    lines.push(`${fileLine('made', pkcs12.passwordFile)}, its password`);
  return {
    data: {
      ...issued,
      ...(pkcs12 === undefined ? {} : { pkcs12File: pkcs12.file, pkcs12PasswordFile: pkcs12.passwordFile }),
    },
    text: [...lines, '', describe(terminal, issued)].join('\n'),
  };
}

/** The answer for a certificate that was issued for a request. */
export function describeSigned(terminal: Terminal, signed: SignedRequest): Answer {
  const { outcome, certFile, taken, leftOut } = signed;
  const items =
    outcome === 'made'
      ? [`Taken from the request: ${listItems(taken)}.`, `Not taken: ${listItems(leftOut)}.`]
      : [];
  return {
    data: signed,
    text: [fileLine(outcome, certFile), '', ...items, describe(terminal, signed)].join('\n'),
  };
}

function listItems(items: readonly RequestedItem[]): string {
  return items.map(({ type, value }) => `${type} ${JSON.stringify(value)}`).join(', ') || 'nothing';
}

function describe(terminal: Terminal, certificate: DevCertificate & { outcome: 'made' | 'kept' }): string {
  const { outcome, kind, commonName, serialNumber, notAfter, revokedAt } = certificate;
  const nowMs = terminal.world.now();
  const what = `A ${kind ?? 'certificate'}, ${commonName ?? 'without a commonName'}, serial number ${serialNumber}`;
  if (revokedAt !== undefined) {
    return `${what}: it was ${terminal.style('bad', 'revoked')} at ${describeDate(revokedAt, nowMs)}. To issue it again, remove its files.`;
  }
  if (notAfter.getTime() <= nowMs) {
    return `${what}: it ${terminal.style('bad', 'expired')} at ${describeDate(notAfter, nowMs)}. To replace it, renew it.`;
  }
  const kept = outcome === 'kept' ? ' It existed before and is unchanged; other options have no effect.' : '';
  return `${what}. It is valid until ${describeDate(notAfter, nowMs)}.${kept}`;
}
