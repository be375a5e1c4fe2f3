/**
 * `express-mtls crl`: renews the CRL before it becomes stale.
 *
 * @module
 */
import path from 'node:path';
import type { CrlFile } from '../../dev-ca/revocation-list.js';
import { count } from '../../quantity.js';
import type { Answer } from '../answer.js';
import { openCa, passphraseOption, type CaOptions } from '../ca-options.js';
import { directoryOption, type Commands } from '../commands.js';
import { daysOption, said } from '../daily.js';
import type { Terminal } from '../terminal.js';
import { describeDate } from '../time.js';

interface CrlCommandOptions extends CaOptions {
  readonly days?: number;
}

/** Adds the command. */
export function addCrl({ create, answers }: Commands): void {
  create('crl')
    .summary('write a new CRL before the current one becomes stale')
    .description(
      'Writes a new CRL with the same entries and the next number. By default, a server refuses all clients of a CA whose CRL is stale.',
    )
    .addOption(directoryOption())
    .addOption(passphraseOption())
    .addOption(daysOption('days until the nextUpdate of the CRL').default(30))
    .action(answers(async (terminal, _args, options: CrlCommandOptions) => renewCrl(terminal, options)))
    .addHelpText(
      'after',
      `
Examples:
  $ express-mtls crl
  $ express-mtls crl --days 7 --dir /etc/my-app/certs`,
    );
}

async function renewCrl(terminal: Terminal, options: CrlCommandOptions): Promise<Answer> {
  const ca = await openCa(terminal, options, { missing: 'fail' });
  const crl = await terminal.during('writing the CRL', () => ca.writeCrl(said({ days: options.days })));
  return { data: crl, text: describeCrl(terminal, crl) };
}

/** A new CRL on one line. */
export function describeCrl({ world }: Terminal, { file, number, entries, nextUpdate }: CrlFile): string {
  const revoked = count(entries, 'entry', 'entries');
  return `${path.relative('.', file)} is now number ${String(number)}, with ${revoked}, and is current until ${describeDate(nextUpdate, world.now())}`;
}
