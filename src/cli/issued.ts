/**
 * Describes a certificate that was issued, with a new key or for a request.
 *
 * @module
 */
import path from 'node:path';
import type { IssuedCertificate } from '../dev-ca/issuance.js';
import type { Pkcs12File } from '../dev-ca/pkcs12.js';
import type { RequestedItem, SignedRequest } from '../dev-ca/request-signing.js';
import { shellCommand } from '../dev-ca/shell.js';
import type { Answer } from './answer.js';
import { directoryArguments } from './commands.js';
import { fileLine } from './daily.js';
import type { Terminal } from './terminal.js';
import { describeDate } from './time.js';

/** The answer for a certificate with its key, and its PKCS#12 file, if any. */
export function describeIssued(
  terminal: Terminal,
  issued: IssuedCertificate,
  { pkcs12, dir }: { readonly pkcs12: Pkcs12File | undefined; readonly dir: string },
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
    text: [...lines, '', ...describe(terminal, issued, dir)].join('\n'),
  };
}

/** The answer for a certificate that was issued for a request. */
export function describeSigned(terminal: Terminal, signed: SignedRequest, dir: string): Answer {
  const { outcome, certFile, taken, leftOut } = signed;
  const items =
    outcome === 'made'
      ? [`Taken from the request: ${listItems(taken)}.`, `Not taken: ${listItems(leftOut)}.`]
      : [];
  return {
    data: signed,
    text: [fileLine(outcome, certFile), '', ...items, ...describe(terminal, signed, dir)].join('\n'),
  };
}

function listItems(items: readonly RequestedItem[]): string {
  return items.map(({ type, value }) => `${type} ${JSON.stringify(value)}`).join(', ') || 'nothing';
}

type Described = (IssuedCertificate | SignedRequest) & { readonly keyFile?: string };

function describe(terminal: Terminal, certificate: Described, dir: string): string[] {
  const { outcome, kind, commonName, serialNumber, notAfter, revokedAt } = certificate;
  const nowMs = terminal.world.now();
  const what = `A ${kind ?? 'certificate'}, ${commonName ?? 'without a commonName'}, serial number ${serialNumber}`;
  if (revokedAt !== undefined)
    return [
      `${what}: it was ${terminal.style('bad', 'revoked')} at ${describeDate(revokedAt, nowMs)}. To issue it again, remove its files, then repeat the command:`,
      `  ${removal(certificate)}`,
    ];
  if (notAfter.getTime() <= nowMs)
    return [
      `${what}: it ${terminal.style('bad', 'expired')} at ${describeDate(notAfter, nowMs)}. To replace it:`,
      `  ${commandOn('renew', certificate, dir)}`,
    ];
  const valid = `${what}. It is valid until ${describeDate(notAfter, nowMs)}.`;
  if (outcome === 'made') return [valid];
  return [
    `${valid} It was there before and is unchanged; other options have no effect.`,
    'To replace it with one that expires later, with the same names:',
    `  ${commandOn('renew', certificate, dir)}`,
    'To replace it with another one, revoke it and remove its files, then repeat the command:',
    `  ${commandOn('revoke', certificate, dir)}`,
    `  ${removal(certificate)}`,
  ];
}

function commandOn(command: string, { name }: Described, dir: string): string {
  return shellCommand('express-mtls', command, name, ...directoryArguments(dir));
}

function removal({ certFile, keyFile }: Described): string {
  const files = keyFile === undefined ? [certFile] : [certFile, keyFile];
  return shellCommand('rm', ...files.map((file) => path.relative('.', file)));
}
