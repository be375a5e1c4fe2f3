/**
 * `express-mtls renew`: replaces a certificate with one that expires later.
 *
 * @module
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { Option } from 'commander';
import type { CertificateKind } from '../../dev-ca/database.js';
import { shellCommand } from '../../dev-ca/shell.js';
import type { Answer } from '../answer.js';
import { openCa, passphraseOption, type CaOptions } from '../ca-options.js';
import { directoryArguments, directoryOption, type Commands } from '../commands.js';
import { daysOption, fileLine, said } from '../daily.js';
import type { Terminal } from '../terminal.js';
import { describeDate } from '../time.js';
import { describeCrl } from './crl.js';

interface RenewCommandOptions extends CaOptions {
  readonly as?: CertificateKind;
  readonly days?: number;
  readonly newKey?: true;
  readonly revokeOld?: true;
}

/** Adds the command. */
export function addRenew({ create, answers }: Commands): void {
  create('renew')
    .summary('replace a certificate with a new one')
    .description(
      'Replaces a certificate with a new one with the same subject, names, kind and key. The old one is kept in the folder old, and stays valid until it expires or is revoked.',
    )
    .argument('<name>', 'the NAME of NAME-crt.pem')
    .option('--new-key', 'generate a new key too')
    .option('--revoke-old', 'revoke the old certificate with the reason superseded')
    .addOption(
      new Option('--as <kind>', 'the kind of certificate, if the old one states neither or both').choices([
        'client',
        'server',
      ]),
    )
    .addOption(daysOption('days until the new certificate expires').default(365))
    .addOption(directoryOption())
    .addOption(passphraseOption())
    .action(
      answers(async (terminal, [name], options: RenewCommandOptions) =>
        renew(terminal, name as string, options),
      ),
    )
    .addHelpText(
      'after',
      `
Examples:
  $ express-mtls renew server
  $ express-mtls renew alice --days 30
  $ express-mtls renew alice --new-key --revoke-old
  $ express-mtls renew imported --as client`,
    );
}

async function renew(
  terminal: Terminal,
  name: string,
  { as, days, newKey, revokeOld, ...options }: RenewCommandOptions,
): Promise<Answer> {
  const ca = await openCa(terminal, options, { missing: 'fail' });
  const how = said({
    as,
    days,
    key: newKey === true ? ('new' as const) : undefined,
    old: revokeOld === true ? ('revoke' as const) : undefined,
  });
  const renewed = await terminal.during(`renewing ${name}`, () => ca.renew(name, how));
  const { certFile, keyFile, previous, oldCertFile, oldKeyFile, notAfter, serialNumber, crl } = renewed;
  const date = (at: Date): string => describeDate(at, terminal.world.now());
  const lines = [
    fileLine('renewed', certFile),
    ...(keyFile === undefined ? [] : [fileLine(oldKeyFile === undefined ? 'kept' : 'renewed', keyFile)]),
    fileLine('old', oldCertFile),
    ...(oldKeyFile === undefined ? [] : [fileLine('old', oldKeyFile)]),
    '',
    `The new certificate has the serial number ${serialNumber}, and is valid until ${date(notAfter)}.`,
    crl === undefined
      ? `The old one, ${previous.serialNumber}, stays valid until ${date(previous.notAfter)} unless it is revoked with express-mtls revoke.`
      : `The old one, ${previous.serialNumber}, is revoked: ${describeCrl(terminal, crl)}.`,
  ];
  const pkcs12 = path.join(options.dir, `${name}.p12`);
  if (existsSync(pkcs12)) {
    const rewrite = shellCommand(
      ...['express-mtls', 'issue', renewed.kind ?? 'client', name, '--p12'],
      ...directoryArguments(options.dir),
    );
    lines.push(`${path.relative('.', pkcs12)} still contains the old certificate; ${rewrite} replaces it.`);
  }
  return { data: renewed, text: lines.join('\n') };
}
