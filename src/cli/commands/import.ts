/**
 * `express-mtls import`: imports a CA created with openssl.
 *
 * @module
 */
import { existsSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { findForeignCa } from '../../dev-ca/foreign-folder.js';
import { importCa, type ImportedCertificate, type ImportReport } from '../../dev-ca/import-ca.js';
import { MtlsError } from '../../errors.js';
import type { Answer } from '../answer.js';
import { passphraseOption, readPassphrase, warnOfFolder, type CaOptions } from '../ca-options.js';
import { directoryOption, type Commands } from '../commands.js';
import type { Terminal } from '../terminal.js';
import { describeDate } from '../time.js';

interface ImportOptions extends CaOptions {
  readonly ca?: string;
  readonly key?: string;
  readonly remakeCa?: true;
}

/** Adds the command. */
export function addImport({ create, answers }: Commands): void {
  create('import')
    .summary('import a CA created with openssl')
    .description(
      'Imports a CA created with openssl: its certificate and key, its database, its CRL, and the certificates that it has issued. The source folder is not changed. A new CRL with every entry is written at once.',
    )
    .argument('<folder>', 'the folder of that CA')
    .addOption(directoryOption())
    .option('--ca <file>', 'its certificate, if it is not found by name')
    .option('--key <file>', 'its key, if it is not found by name')
    .option(
      '--remake-ca',
      'create a new CA certificate with the same name and key, so that issued certificates stay valid',
    )
    .addOption(passphraseOption())
    .action(
      answers(async (terminal, [folder], options: ImportOptions) =>
        importFolder(terminal, folder as string, options),
      ),
    )
    .addHelpText(
      'after',
      `
Examples:
  $ express-mtls import ~/tutorial
  $ express-mtls import /etc/ssl/my-ca --dir certs --passphrase-file passphrase.txt
  $ express-mtls import . --dir certs --ca root.pem --key root.key --remake-ca`,
    );
}

async function importFolder(terminal: Terminal, folder: string, options: ImportOptions): Promise<Answer> {
  const { dir, ca, key, remakeCa } = options;
  if (existsSync(dir) && existsSync(folder) && realpathSync(dir) === realpathSync(folder)) {
    throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
      seen: `${folder} is both the source and the target of the import`,
      remedy: 'specify another target with --dir',
    });
  }
  const found = await terminal.during(`looking through ${folder}`, () =>
    findForeignCa(folder, { certificate: ca, key, except: dir }),
  );
  const passphrase = await readPassphrase(terminal, options, found.key);
  const { now } = terminal.world;
  const caCertificate = remakeCa === true ? 'remake' : 'keep';
  await warnOfFolder(terminal, options);
  const report = await terminal.during('importing', () =>
    importCa(found, dir, { passphrase, caCertificate, now }),
  );
  const { material: _, ...source } = report.source;
  return { data: { ...report, source }, text: describeReport(terminal, report) };
}

function describeReport(terminal: Terminal, report: ImportReport): string {
  const { directory, caName, caCertificate, caKey, certificates, crl, warnings } = report;
  const place = path.relative('.', directory) || '.';
  const nowMs = terminal.world.now();
  const width = Math.max(3, ...certificates.map(({ name }) => name.length));
  const row = (name: string, ...facts: string[]): string => `${name.padEnd(width)}  ${facts.join(', ')}`;
  const encrypted = caKey === 'copied-encrypted' ? 'its key still encrypted' : 'its key without a passphrase';
  return [
    `imported into ${place}:`,
    '',
    row('ca', caName, `its certificate ${caCertificate === 'kept' ? 'kept' : 'reissued'}`, encrypted),
    ...certificates.map((each) => row(each.name, ...describeCertificate(each))),
    row(
      'crl',
      `number ${crl.number}`,
      `${crl.entries} revoked`,
      `next due ${describeDate(crl.nextUpdate, nowMs)}`,
    ),
    ...warnings.flatMap(({ about, faults, remedy }) => [
      '',
      `${terminal.style('warning', 'warning')}: ${terminal.style('strong', about)}: ${faults.join('; ')}.`,
      `  ${remedy}`,
    ]),
    '',
    `Next: configure the servers with ${place}/ca-crt.pem and ${place}/ca-crl.pem, and continue here:`,
    `  express-mtls list --dir ${place}`,
  ].join('\n');
}

function describeCertificate({ commonName, serialNumber, key, revokedAt }: ImportedCertificate): string[] {
  const keys = {
    copied: 'with its key',
    'copied-encrypted': 'with its key, encrypted',
    absent: 'without a key',
  };
  return [
    commonName,
    `serial ${serialNumber}`,
    keys[key],
    ...(revokedAt === undefined ? [] : [`revoked ${revokedAt.toISOString().slice(0, 10)}`]),
  ];
}
