/**
 * `express-mtls intermediate`: a CA below the CA.
 *
 * @module
 */
import path from 'node:path';
import type { Answer } from '../answer.js';
import { openCa, passphraseOption, type CaOptions } from '../ca-options.js';
import { directoryOption, type Commands } from '../commands.js';
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
    .summary('make a CA below the CA')
    .description(
      'Makes an intermediate CA in a folder of its own, inside that of the CA which signs it. It has its own database and CRL, and every command takes its folder as --dir. What is there is kept.',
    )
    .argument('<name>', 'its name, and that of its folder')
    .addOption(directoryOption())
    .option('--cn <name>', 'its commonName, where that is not its name')
    .addOption(daysOption('until it expires, at the latest with the CA above').default(1825))
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
  const made = await terminal.during(
    `making ${name}`,
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
      `${name} holds until ${describeDate(notAfter, terminal.world.now())}.`,
      '',
      'Next: issue with it as with any CA:',
      `  express-mtls issue client NAME --dir ${place(directory)}`,
      'A server is given both CAs and both CRLs, for without one of the lists nobody is let in:',
      `  ca: '${place(chainFile)}',`,
      `  crl: ['${place(ca.crlFile)}', '${place(crlFile)}'],`,
      `To put out ${name} and all its clients: express-mtls revoke ${name} --dir ${place(dir)}`,
    ].join('\n'),
  };
}
