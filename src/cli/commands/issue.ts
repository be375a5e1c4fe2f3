/**
 * `express-mtls issue client` and `issue server`: issue a certificate.
 *
 * @module
 */
import { isIP } from 'node:net';
import { type Command, Option } from 'commander';
import { readBounded } from '../../dev-ca/bounded-file.js';
import type { CertificateKind } from '../../dev-ca/database.js';
import type { DevCa } from '../../dev-ca/dev-ca.js';
import type { Answer } from '../answer.js';
import { openCa, passphraseOption, type CaOptions } from '../ca-options.js';
import { directoryOption, repeatable, type Commands } from '../commands.js';
import { daysOption, said } from '../daily.js';
import { describeIssued, describeSigned } from '../issued.js';
import { algorithmOf, rsaOption } from '../key-options.js';
import { passwordOptions, readPassword, type PasswordOptions } from '../p12-password.js';
import type { Terminal } from '../terminal.js';

const maxRequestBytes = 2 ** 20;

/** The server that `init` creates, for localhost. */
const localServer = 'server';

interface IssueOptions extends CaOptions, PasswordOptions {
  readonly cn?: string;
  readonly o?: string;
  readonly ou?: readonly string[];
  readonly uri?: readonly string[];
  readonly spiffe?: string;
  readonly email?: readonly string[];
  readonly dns?: readonly string[];
  readonly san?: readonly string[];
  readonly days?: number;
  readonly rsa?: string;
  readonly csr?: string;
  readonly namesFromRequest?: true;
}

/** Adds the command. */
export function addIssue(commands: Commands): void {
  const { group, create, answers } = commands;
  const issue = group('issue')
    .summary('issue a certificate for a client or a server')
    .description(
      'Issues a certificate with a new key, or signs a request. Existing files are kept, never overwritten.',
    )
    .addHelpText(
      'after',
      `
Examples:
  $ express-mtls issue client alice --ou engineering
  $ express-mtls issue server app --san app.test --san 10.0.0.5`,
    );

  const client = create('client', issue)
    .summary('issue a client certificate')
    .description('Writes NAME-crt.pem and NAME-key.pem for a client, or keeps existing ones.')
    .argument('<name>', 'the NAME of its files, and its commonName unless --cn is set')
    .addOption(repeatable('--email <address>', 'an email address in its subjectAltName'))
    .addOption(repeatable('--dns <host>', 'a host name in its subjectAltName'));
  addSharedOptions(client)
    .action(
      answers(async (terminal, [name], options: IssueOptions) =>
        run(terminal, 'client', name as string, options),
      ),
    )
    .addHelpText(
      'after',
      `
Examples:
  $ express-mtls issue client alice --ou engineering --email alice@example.com
  $ express-mtls issue client billing --spiffe spiffe://example.org/billing --days 30
  $ express-mtls issue client alice --p12
  $ express-mtls issue client bob --csr bob.csr --ou engineering`,
    );

  const server = create('server', issue)
    .summary('issue a server certificate')
    .description('Writes NAME-crt.pem and NAME-key.pem for a server, or keeps existing ones.')
    .argument('<name>', 'the NAME of its files, and its host name unless --san is set')
    .addOption(
      repeatable(
        '--san <host>',
        'a host name or IP address of the server (default: its name; for the name "server" localhost, 127.0.0.1 and ::1)',
      ),
    );
  addSharedOptions(server)
    .action(
      answers(async (terminal, [name], options: IssueOptions) =>
        run(terminal, 'server', name as string, options),
      ),
    )
    .addHelpText(
      'after',
      `
Examples:
  $ express-mtls issue server api.example.com
  $ express-mtls issue server app --san app.test --san 10.0.0.5
  $ express-mtls issue server app --csr app.csr --names-from-request`,
    );
}

function addSharedOptions(command: Command): Command {
  const options = [
    new Option('--cn <name>', 'the commonName of its subject'),
    new Option('--o <name>', 'the organization of its subject'),
    repeatable('--ou <name>', 'an organizational unit of its subject'),
    repeatable('--uri <uri>', 'a URI in its subjectAltName'),
    new Option('--spiffe <id>', 'its SPIFFE ID, instead of --uri').conflicts('uri'),
    daysOption('days until it expires (default: 365)'),
    rsaOption("the kind of the CA's own key"),
    ...passwordOptions(),
    new Option(
      '--csr <file>',
      'sign a certificate request, PEM or DER, instead of generating a key',
    ).conflicts(['rsa', 'p12', 'p12PasswordFile']),
    new Option(
      '--names-from-request',
      'with --csr: take names from the request if no option sets them; the requester chose them',
    ),
    directoryOption(),
    passphraseOption(),
  ];
  for (const option of options) command.addOption(option);
  return command;
}

async function run(
  terminal: Terminal,
  kind: CertificateKind,
  name: string,
  options: IssueOptions,
): Promise<Answer> {
  // Read first, so that an unreadable password leaves no files behind.
  const password = options.p12 === true ? await readPassword(terminal, options) : undefined;
  const ca = await openCa(terminal, options, { missing: 'fail' });
  if (options.csr !== undefined) {
    const request = {
      bytes: await readBounded(options.csr, maxRequestBytes),
      origin: options.csr,
      names: options.namesFromRequest === true ? ('taken' as const) : ('ignored' as const),
    };
    const signed =
      kind === 'client'
        ? await ca.signClientRequest(name, request, clientOptions(options))
        : await ca.signServerRequest(request, { name, ...serverOptions(name, options) });
    return describeSigned(terminal, signed, options.dir);
  }
  const issued = await terminal.during(`making ${name}`, () => issue(ca, kind, name, options));
  const pkcs12 =
    options.p12 === true
      ? await terminal.during(`writing ${name}.p12`, () => ca.writePkcs12(name, said({ password })))
      : undefined;
  return describeIssued(terminal, issued, { pkcs12, dir: options.dir });
}

function issue(
  ca: DevCa,
  kind: CertificateKind,
  name: string,
  options: IssueOptions,
): ReturnType<DevCa['issueClient']> {
  const algorithm = said({ algorithm: options.rsa === undefined ? undefined : algorithmOf(options.rsa) });
  return kind === 'client'
    ? ca.issueClient(name, { ...clientOptions(options), ...algorithm })
    : ca.issueServer({ name, ...serverOptions(name, options), ...algorithm });
}

function clientOptions(options: IssueOptions): Parameters<DevCa['issueClient']>[1] & object {
  const { email, dns } = options;
  return said({ ...sharedOptions(options), email, dns });
}

function serverOptions(name: string, options: IssueOptions): Parameters<DevCa['issueServer']>[0] & object {
  const { san = hostsOf(name, options) } = options;
  return said({
    ...sharedOptions(options),
    dns: san?.filter((host) => isIP(host) === 0),
    ip: san?.filter((host) => isIP(host) !== 0),
  });
}

/** The hosts of a server if no option names them: localhost, or the request, or its name. */
function hostsOf(name: string, { namesFromRequest }: IssueOptions): readonly string[] | undefined {
  return name === localServer || namesFromRequest === true ? undefined : [name];
}

function sharedOptions({ cn, o, ou, uri, spiffe, days }: IssueOptions): {
  commonName: string | undefined;
  organization: string | undefined;
  organizationalUnit: readonly string[] | undefined;
  uri: readonly string[] | undefined;
  spiffeId: string | undefined;
  days: number | undefined;
} {
  return { commonName: cn, organization: o, organizationalUnit: ou, uri, spiffeId: spiffe, days };
}
