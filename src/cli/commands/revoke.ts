/**
 * `express-mtls revoke`: revokes a certificate.
 *
 * @module
 */
import { existsSync } from 'node:fs';
import { Option } from 'commander';
import type { DevCertificate } from '../../dev-ca/database.js';
import type { DevCa } from '../../dev-ca/dev-ca.js';
import { reasons, type RevocationReason } from '../../dev-ca/reasons.js';
import { shellCommand } from '../../dev-ca/shell.js';
import { MtlsError } from '../../errors.js';
import { publishCrl, type PublishReport } from '../../sources/publish-crl.js';
import type { Answer } from '../answer.js';
import { openCa, passphraseOption, type CaOptions } from '../ca-options.js';
import { directoryArguments, directoryOption, type Commands } from '../commands.js';
import { daysOption, said } from '../daily.js';
import { accountOf } from '../store/publish-account.js';
import {
  describeStores,
  publishingWith,
  storeOption,
  waitOption,
  withinOption,
  withStore,
} from '../store/store-options.js';
import type { Terminal } from '../terminal.js';
import { describeDate } from '../time.js';
import { describeCrl } from './crl.js';

interface RevokeCommandOptions extends CaOptions {
  readonly reason?: RevocationReason;
  readonly days?: number;
  readonly publish?: string | true;
  readonly wait?: number;
  readonly within: number;
}

/** Adds the command. */
export function addRevoke({ create, answers }: Commands): void {
  create('revoke')
    .summary('revoke a certificate and write a new CRL')
    .description(
      'Revokes a certificate and writes a new CRL at once. A server that watches the CRL closes the connections of that client within a second.',
    )
    .argument('<certificate>', 'its name, its serial number, or the path of its PEM file')
    .addOption(new Option('--reason <reason>', 'why (RFC 5280 section 5.3.1)').choices(reasons))
    .addOption(directoryOption())
    .addOption(passphraseOption())
    .addOption(daysOption('days until the nextUpdate of the new CRL').default(30))
    .addOption(storeOption('--publish [url]', 'publish the CRL to the store of a fleet'))
    .addOption(waitOption())
    .addOption(withinOption())
    .action(
      answers(async (terminal, [certificate], options: RevokeCommandOptions) =>
        revoke(terminal, certificate as string, options),
      ),
    )
    .addHelpText(
      'after',
      `${describeStores()}

Examples:
  $ express-mtls revoke client2 --reason keyCompromise
  $ express-mtls revoke 5cb0f5a86de5d5b1ab1f3bd6f0c3a9d1
  $ express-mtls revoke ./from-a-lost-laptop.pem
  $ express-mtls revoke client2 --publish redis://store.internal --wait 8`,
    );
}

async function revoke(
  terminal: Terminal,
  which: string,
  { reason, days, publish, wait, within, ...options }: RevokeCommandOptions,
): Promise<Answer> {
  const ca = await openCa(terminal, options, { missing: 'fail' });
  const how = said({ reason, days });
  const result = await terminal.during(`revoking ${which}`, () =>
    looksLikeFile(which) ? ca.revokeFile(which, how) : ca.revoke(which, how),
  );
  const { certificate } = result;
  const stillGood = await listStillGood(ca, certificate, terminal.world.now());
  const lines =
    result.outcome === 'revoked'
      ? [
          `${terminal.style('bad', 'revoked')}  ${describe(certificate)}${because(certificate)}`,
          describeCrl(terminal, result.crl),
        ]
      : [
          `${describe(certificate)} was already revoked at ${describeDate(certificate.revokedAt as Date, terminal.world.now())}${because(certificate)}; nothing was changed`,
        ];
  const warnings = stillGood.map(
    (other) =>
      `${terminal.style('warning', 'still valid')}: an older certificate of ${String(other.formerName)}; to revoke it: ${shellCommand('express-mtls', 'revoke', other.serialNumber, ...directoryArguments(options.dir))}`,
  );
  const text = [...lines, ...warnings].join('\n');
  if (publish === undefined) return { data: { ...result, stillGood }, text };
  const published = await publishTo(terminal, ca, publish === true ? undefined : publish, { wait, within });
  const account = accountOf(terminal, published);
  return { data: { ...result, stillGood, published }, ...account, text: `${text}\n${account.text}` };
}

/** Publishes the CRL of the CA, also if nothing was revoked: the last time, publishing may have failed. */
async function publishTo(
  terminal: Terminal,
  { crlFile, certFile }: DevCa,
  url: string | undefined,
  { wait, within }: { readonly wait: number | undefined; readonly within: number },
): Promise<PublishReport> {
  try {
    return await withStore(terminal, { url, option: '--publish', what: publishingWith(wait) }, (store) =>
      publishCrl(store, crlFile, { ca: certFile, waitMs: within * 1000, ...said({ wait }) }),
    );
  } catch (cause) {
    if (!(cause instanceof MtlsError)) throw cause;
    const { code, source, seen, expected } = cause;
    const remedy = `the certificate is revoked and ${crlFile} is written, but not published: publish it with "express-mtls publish"`;
    throw new MtlsError(code, { source, seen, expected, remedy }, { cause });
  }
}

/** A replaced certificate that has not expired still admits its holder. */
async function listStillGood(ca: DevCa, { name }: DevCertificate, nowMs: number): Promise<DevCertificate[]> {
  if (name === undefined) return [];
  return (await ca.list()).filter(
    ({ formerName, revokedAt, notAfter }) =>
      formerName === name && revokedAt === undefined && notAfter.getTime() > nowMs,
  );
}

/** Names have no slash, and serial numbers have no dot. */
function looksLikeFile(which: string): boolean {
  return /[/\\]/.test(which) || (/\.(?:pem|crt|cer)$/i.test(which) && existsSync(which));
}

function describe({ name, commonName, serialNumber }: DevCertificate): string {
  const label = name ?? commonName;
  return label === undefined ? serialNumber : `${label} (serial ${serialNumber})`;
}

function because({ reason }: DevCertificate): string {
  return reason === undefined ? '' : `, reason ${reason}`;
}
