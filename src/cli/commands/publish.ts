/**
 * `express-mtls publish`: puts a CRL into the store of a fleet.
 *
 * @module
 */
import path from 'node:path';
import { publishCrl } from '../../sources/publish-crl.js';
import type { Answer, CommonOptions } from '../answer.js';
import { directoryOption, repeatable, type Commands } from '../commands.js';
import { said } from '../daily.js';
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

interface PublishCommandOptions extends CommonOptions {
  readonly to?: string;
  readonly ca?: readonly string[];
  readonly dir: string;
  readonly wait?: number;
  readonly within: number;
}

/** Adds the command. */
export function addPublish({ create, answers }: Commands): void {
  create('publish')
    .summary('publish a CRL to the store of a fleet')
    .description(
      'Verifies a CRL with its CA and writes it to the store of a fleet, which announces it to every process. A CRL that is older than the one in the store is refused.',
    )
    .argument('[file]', 'the CRL; by default ca-crl.pem in the folder of the CA')
    .addOption(storeOption('--to <url>', 'the store'))
    .addOption(repeatable('--ca <file>', 'the CA of the CRL; by default ca-crt.pem in the folder of the CA'))
    .addOption(directoryOption())
    .addOption(waitOption())
    .addOption(withinOption())
    .action(
      answers(async (terminal, [file], options: PublishCommandOptions) =>
        publish(terminal, file as string | undefined, options),
      ),
    )
    .addHelpText(
      'after',
      `${describeStores()}

Examples:
  $ express-mtls publish --to redis://store.internal --wait 8
  $ express-mtls publish partner.crl --ca partner-ca.pem --to postgres://ca@db.internal/app
  $ EXPRESS_MTLS_STORE=nats://store.internal express-mtls publish --json

Exit code 1: not enough processes for --wait reported the CRL in force in time.`,
    );
}

async function publish(
  terminal: Terminal,
  file: string | undefined,
  { to, ca, dir, wait, within }: PublishCommandOptions,
): Promise<Answer> {
  const crl = file ?? path.join(dir, 'ca-crl.pem');
  const cas = ca ?? [path.join(dir, 'ca-crt.pem')];
  const report = await withStore(terminal, { url: to, option: '--to', what: publishingWith(wait) }, (store) =>
    publishCrl(store, crl, { ca: cas, waitMs: within * 1000, ...said({ wait }) }),
  );
  return { data: report, ...accountOf(terminal, report) };
}
