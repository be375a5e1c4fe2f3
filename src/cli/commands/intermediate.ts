/**
 * `express-mtls intermediate`: creates an intermediate CA.
 *
 * @module
 */
import path from 'node:path';
import { shellCommand } from '../../dev-ca/shell.js';
import type { Answer } from '../answer.js';
import { openCa, passphraseOption, type CaOptions } from '../ca-options.js';
import { directoryArguments, directoryOption, type Commands } from '../commands.js';
import { daysOption, fileLine, said } from '../daily.js';
import { algorithmOf, rsaOption } from '../key-options.js';
import type { Terminal } from '../terminal.js';
import { describeDate } from '../time.js';

interface IntermediateOptions extends CaOptions {
  readonly cn?: string;
  readonly days?: number;
  readonly rsa?: string;
}

/** Adds the command. */
export function addIntermediate({ create, answers }: Commands): void {
  create('intermediate')
    .summary('create an intermediate CA')
    .description(
      'Creates an intermediate CA in a subfolder of its issuer. It has its own database and CRL, and every command accepts its folder as --dir. Existing files are kept.',
    )
    .argument('<name>', 'the name of the CA and of its folder')
    .addOption(directoryOption())
    .option('--cn <name>', 'its commonName, if different from its name')
    .addOption(daysOption('days until it expires, at the latest with its issuer').default(1825))
    .addOption(rsaOption("the kind of the CA's own key"))
    .addOption(passphraseOption())
    .action(
      answers(async (terminal, [name], options: IntermediateOptions) =>
        makeIntermediate(terminal, name as string, options),
      ),
    )
    .addHelpText(
      'after',
      `
Examples:
  $ express-mtls intermediate devices
  $ express-mtls intermediate staff --dir /etc/my-app/certs --cn "Staff CA" --days 730
  $ express-mtls issue client sensor1 --dir certs-dev/devices`,
    );
}

async function makeIntermediate(
  terminal: Terminal,
  name: string,
  options: IntermediateOptions,
): Promise<Answer> {
  const { dir, cn, days, rsa } = options;
  const ca = await openCa(terminal, options, { missing: 'fail' });
  const made = await terminal.during(`making ${name}`, () =>
    ca.issueIntermediate(
      name,
      said({ commonName: cn, days, algorithm: rsa === undefined ? undefined : algorithmOf(rsa) }),
    ),
  );
  const { outcome, directory, certFile, keyFile, crlFile, chainFile, notAfter } = made;
  const place = (file: string): string => path.relative('.', file) || '.';
  return {
    data: { ...made, parent: { directory: dir, certFile: ca.certFile, crlFile: ca.crlFile } },
    text: [
      ...[certFile, keyFile, crlFile, chainFile].map((file) => fileLine(outcome, file)),
      '',
      `${name} is valid until ${describeDate(notAfter, terminal.world.now())}.`,
      ...(outcome === 'made' ? [] : describeKept(name, dir)),
      '',
      'Next: issue certificates with it as with any CA:',
      `  ${shellCommand('express-mtls', 'issue', 'client', 'NAME', '--dir', place(directory))}`,
      'Configure a server with both CAs and both CRLs; without one of the CRLs, every client is refused:',
      `  ca: '${place(chainFile)}',`,
      `  crl: ['${place(ca.crlFile)}', '${place(crlFile)}'],`,
      `To revoke ${name} and with it all its clients:`,
      `  ${shellCommand('express-mtls', 'revoke', name, '--dir', place(dir))}`,
    ].join('\n'),
  };
}

function describeKept(name: string, dir: string): string[] {
  return [
    'It was there before and is unchanged; other options have no effect. To replace it, create one with another name, then revoke it:',
    `  ${shellCommand('express-mtls', 'intermediate', `${name}-2`, ...directoryArguments(dir))}`,
    `  ${shellCommand('express-mtls', 'revoke', name, ...directoryArguments(dir))}`,
  ];
}
