/**
 * `express-mtls init`: everything for a first server.
 *
 * @module
 */
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { Option } from 'commander';
import { moveAway, shellCommand } from '../../dev-ca/shell.js';
import { MtlsError } from '../../errors.js';
import type { Answer } from '../answer.js';
import { openCa, passphraseOption, type PassphraseOptions } from '../ca-options.js';
import { defaultDirectory, type Commands } from '../commands.js';
import { algorithmOf, rsaOption } from '../key-options.js';
import type { Terminal } from '../terminal.js';

interface InitOptions extends PassphraseOptions {
  readonly dir?: string;
  readonly client: string;
  readonly rsa?: string;
}

/** Adds the command. */
export function addInit({ create, answers }: Commands): void {
  create('init')
    .summary('create a CA, a server, a client and a CRL')
    .description(
      'Creates a development CA with a name of its own, a server certificate for localhost, a first client and an empty CRL. Existing files are kept, never overwritten. With a passphrase, the CA key is encrypted.',
    )
    .argument('[dir]', `the folder to create them in (default: "${defaultDirectory}")`)
    .addOption(new Option('--dir <dir>', 'the same, as in the other commands'))
    .option('--client <name>', 'the first client', 'client1')
    .addOption(rsaOption('ECDSA on P-256'))
    .addOption(passphraseOption())
    .action(
      answers(async (terminal, [argument], options: InitOptions) => {
        const [directory = defaultDirectory, other] = [argument as string | undefined, options.dir].filter(
          (given) => given !== undefined,
        );
        if (other !== undefined)
          throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
            seen: `two folders were given, ${directory} and --dir ${other}`,
            remedy: 'use one',
          });
        return init(terminal, { ...options, dir: directory });
      }),
    )
    .addHelpText(
      'after',
      `
Examples:
  $ express-mtls init
  $ express-mtls init /etc/my-app/certs --client alice
  $ express-mtls init --rsa 4096`,
    );
}

async function init(
  terminal: Terminal,
  { client: clientName, rsa, ...options }: InitOptions & { readonly dir: string },
): Promise<Answer> {
  const { dir: directory } = options;
  // In a log, and for a client that looks up the issuer of a certificate, two CAs of one name cannot be told apart.
  const commonName = `ca-${randomBytes(4).toString('hex')}`;
  const ca = await openCa(terminal, options, { algorithm: algorithmOf(rsa), commonName });
  const server = await terminal.during('making the server', () => ca.issueServer());
  const client = await terminal.during(`making ${clientName}`, () => ca.issueClient(clientName));
  const made = [
    { outcome: ca.outcome, files: [ca.certFile, ca.keyFile, ca.crlFile] },
    { outcome: server.outcome, files: [server.certFile, server.keyFile] },
    { outcome: client.outcome, files: [client.certFile, client.keyFile] },
  ];
  const lines = made.flatMap(({ outcome, files }) =>
    files.map((file) => `${outcome.padEnd(6)}${path.relative('.', file)}`),
  );
  const certs = path.relative('.', directory) || '.';
  return {
    data: { directory, ca: filesOf(ca), server: filesOf(server), client: filesOf(client) },
    text: [
      ...lines,
      '',
      ...(ca.outcome === 'kept' ? [...describeKept(directory), ''] : []),
      `Next: start a server with these files, then call it as ${client.name}:`,
      `  ${shellCommand(
        ...['curl', '--cacert', `${certs}/ca-crt.pem`, '--cert', `${certs}/${client.name}-crt.pem`],
        ...['--key', `${certs}/${client.name}-key.pem`, 'https://localhost:4433/'],
      )}`,
    ].join('\n'),
  };
}

function describeKept(directory: string): string[] {
  const place = path.relative('.', directory);
  const isMovable = place !== '' && !place.startsWith('..');
  return isMovable
    ? [
        'The CA was there before and is unchanged. To replace it with a new CA, which accepts none of its certificates, move the folder away, then repeat the command:',
        `  ${moveAway(place)}`,
      ]
    : [
        'The CA was there before and is unchanged. For a new CA, use another folder:',
        '  express-mtls init FOLDER',
      ];
}

interface Made {
  readonly outcome: 'made' | 'kept';
  readonly certFile: string;
  readonly keyFile: string;
  readonly crlFile?: string;
}

function filesOf({ outcome, certFile, keyFile, crlFile }: Made): Made {
  return { outcome, certFile, keyFile, ...(crlFile === undefined ? {} : { crlFile }) };
}
