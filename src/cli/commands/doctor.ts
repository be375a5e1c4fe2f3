/**
 * `express-mtls doctor`: why a client is refused.
 *
 * @module
 */
import { Argument, type Command, InvalidArgumentError, Option } from 'commander';
import { MtlsError } from '../../errors.js';
import { type ClientRuleFunction } from '../../policy/client-rule.js';
import { formatPem } from '../../x509/pem.js';
import type { Answer, CommonOptions } from '../answer.js';
import { type Commands, repeatable } from '../commands.js';
import { type Attempt } from '../doctor/attempt-account.js';
import { attempt, type Target } from '../doctor/attempt.js';
import { type ListenAddress } from '../doctor/behind-listener.js';
import { goBehind } from '../doctor/behind.js';
import { examine } from '../doctor/examination.js';
import {
  type CertificateFile,
  describeInputs,
  type InputPaths,
  type Inputs,
  readInputs,
} from '../doctor/inputs.js';
import { compareKey } from '../doctor/private-key.js';
import { writeBehindReport, writeReport } from '../doctor/report.js';
import { parseRule } from '../doctor/rule.js';
import { skipped, type Step } from '../doctor/step.js';
import { conclude, concludeBehind } from '../doctor/verdict.js';
import type { Terminal } from '../terminal.js';

interface DoctorOptions extends CommonOptions, InputPaths {
  readonly rule?: ClientRuleFunction;
  readonly servername?: string;
  readonly method: string;
  readonly behind?: URL;
  readonly listen?: ListenAddress;
}

/** Adds the command. */
export function addDoctor({ create, answers }: Commands): void {
  create('doctor')
    .summary('find out why a client is refused')
    .description(
      'Runs the checks of a server on a client certificate, in the same order and with the same code, and reports what fails. With a URL, it then connects to that server with the certificate. With --behind and --listen, it stands in for the app behind a proxy, calls the proxy, and reports what arrives, and what is unsafe in the configuration of the proxy. Checks without an input are skipped and reported as such.',
    )
    .addArgument(
      new Argument('[url]', 'a server to connect to, such as https://localhost:4433').argParser(parseUrl),
    )
    .requiredOption(
      '--cert <file>',
      "the client's certificate, followed by the certificates that the client sends with it",
    )
    .option('--key <file>', 'its private key; without it, no connection is made')
    .option(
      '--passphrase-file <file>',
      'file with the passphrase of the key in its first line (default: the variable EXPRESS_MTLS_KEY_PASSPHRASE)',
    )
    .addOption(repeatable('--ca <path>', "the server's options.ca: a file or a folder"))
    .option(
      '--partial-chain',
      "the server has partialChain: 'allow': a CA without its root among --ca is a trust anchor",
    )
    .addOption(repeatable('--crl <path>', "the server's options.crl: a file or a folder"))
    .addOption(
      new Option('--rule <json>', 'the argument of requireClient(), as JSON').argParser(
        orInvalidArgument(parseRule),
      ),
    )
    .addOption(
      repeatable(
        '--server-ca <path>',
        "the CA of the server's own certificate (default: --ca, or else the CAs of Node)",
      ),
    )
    .option('--servername <name>', "the server name to request and to expect in the server's certificate")
    .addOption(
      new Option('--method <method>', 'the method of the request').default('GET').argParser(parseMethod),
    )
    .addOption(
      new Option('--behind <url>', 'a proxy to call, whose app is stopped; with --listen').argParser(
        parseUrl,
      ),
    )
    .addOption(
      new Option(
        '--listen <address>',
        'where the proxy expects the app: host:port, a port of 127.0.0.1, or the path of a Unix socket',
      ).argParser(parseAddress),
    )
    .option('--listen-cert <file>', "the app's own certificate, if the proxy connects to it over TLS")
    .option('--listen-key <file>', 'its private key')
    .hook('preAction', checkTogether)
    .action(
      answers(async (terminal, [url], options: DoctorOptions) =>
        doctor(terminal, url as URL | undefined, options),
      ),
    )
    .addHelpText(
      'after',
      `
Examples:
  $ express-mtls doctor --cert client1-crt.pem --ca ca-crt.pem --crl ca-crl.pem
  $ express-mtls doctor --cert client1-crt.pem --key client1-key.pem --ca ca-crt.pem --crl ca-crl.pem https://localhost:4433/
  $ express-mtls doctor --cert client1-crt.pem --ca ca-crt.pem --rule '{"commonName":"client1"}'
  $ express-mtls doctor --cert client1-crt.pem --key client1-key.pem --ca ca-crt.pem --behind https://localhost/ --listen 127.0.0.1:8443 --listen-cert server-crt.pem --listen-key server-key.pem

Exit codes: 0 the client would be, or was, admitted, and the proxy is safe; 1 it would not be, or was not, or the proxy is unsafe; 2 called incorrectly; 3 a file cannot be read.`,
    );
}

async function doctor(terminal: Terminal, url: URL | undefined, options: DoctorOptions): Promise<Answer> {
  const at = new Date(terminal.world.now());
  const inputs = await terminal.during('reading the files', () => readInputs(options, terminal.world.env));
  const { behind, listen } = options;
  if (behind !== undefined && listen !== undefined)
    return await doctorBehind(terminal, inputs, { ...options, behind, listen }, at);
  const examination = await terminal.during('checking the certificate', () =>
    examine(inputs, options.rule, at),
  );
  const obstacle = url && obstacleOf(inputs, examination.steps);
  const attempted =
    url === undefined || obstacle !== undefined
      ? undefined
      : await terminal.during(`trying ${url.host}`, () => tryServer(url, inputs, options));
  const steps = [...examination.steps, ...(obstacle === undefined ? [] : [obstacle])];
  const concluded = conclude(examination, attempted, at);
  const verdict =
    obstacle === undefined
      ? concluded
      : { ...concluded, letIn: false, text: `${concluded.text}; no connection was made: ${obstacle.detail}` };
  return {
    text: writeReport(terminal, steps, attempted, verdict),
    data: { steps, verdict, ...(attempted === undefined ? {} : { attempt: attempted }) },
    outcome: verdict.letIn ? 'done' : 'no',
  };
}

/** Why no connection can be made. */
function obstacleOf({ key }: Inputs, steps: readonly Step[]): Step | undefined {
  if (key === undefined) return skipped('attempt', 'no --key was given, which is needed to connect');
  const isPair = steps.some(({ step, outcome }) => step === 'key' && outcome === 'ok');
  return isPair ? undefined : skipped('attempt', 'key and certificate do not match');
}

async function doctorBehind(
  terminal: Terminal,
  inputs: Inputs,
  options: DoctorOptions & { readonly behind: URL; readonly listen: ListenAddress },
  at: Date,
): Promise<Answer> {
  const { behind, listen, rule } = options;
  const { client, key, appCertificate, appKey } = inputs;
  const about = [...describeInputs(inputs), compareKey(key, client.ders, client.origin)];
  const obstacle = obstacleOf(inputs, about);
  if (obstacle !== undefined) {
    const steps = [...about, obstacle];
    const verdict = { letIn: false, text: `the proxy was not called: ${obstacle.detail}`, advice: [] };
    return {
      text: writeReport(terminal, steps, undefined, verdict),
      data: { steps, verdict },
      outcome: 'no',
    };
  }
  const credentials =
    appCertificate === undefined || appKey === undefined
      ? undefined
      : { cert: toPem(appCertificate), key: pemOfKey(appKey) };
  const proxy = targetOf(behind, inputs, options);
  const outcome = await terminal.during(`calling ${behind.host}`, () =>
    goBehind({ proxy, listen, credentials, inputs, rule, at }),
  );
  const verdict = concludeBehind(outcome, at);
  return {
    text: writeBehindReport(terminal, about, outcome.report, verdict),
    data: { steps: about, behind: outcome.report, verdict },
    outcome: verdict.letIn ? 'done' : 'no',
  };
}

async function tryServer(url: URL, inputs: Inputs, options: DoctorOptions): Promise<Attempt> {
  return await attempt(targetOf(url, inputs, options));
}

function targetOf(
  url: URL,
  { client, key, cas, serverCas }: Inputs,
  { servername, method }: DoctorOptions,
): Target {
  const trusted = serverCas ?? cas;
  return {
    url,
    method,
    servername,
    cert: toPem(client),
    key: key === undefined ? '' : pemOfKey(key),
    serverCas: trusted?.map(toPem),
  };
}

function pemOfKey({ key }: NonNullable<Inputs['key']>): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}

function toPem({ ders }: CertificateFile): string {
  return ders.map((der) => formatPem({ label: 'CERTIFICATE', der })).join('');
}

function parseUrl(given: string): URL {
  const url = URL.canParse(given) ? new URL(given) : undefined;
  if (url?.protocol !== 'https:')
    throw new InvalidArgumentError('Use a URL such as https://localhost:4433/path.');
  if (url.username !== '' || url.password !== '')
    throw new InvalidArgumentError('Use a URL without user name and password.');
  url.hash = '';
  return url;
}

/** `127.0.0.1:8443`, `[::1]:8443`, `8443` or `/run/app/http.sock`. */
function parseAddress(given: string): ListenAddress {
  if (given.includes('/')) return { path: given };
  const [, bracketed, name, digits = given] = /^(?:\[([^\]]+)\]|([^:]+)):(.*)$/.exec(given) ?? [];
  const port = /^\d{1,5}$/.test(digits) ? Number(digits) : 0;
  if (port < 1 || port > 65_535)
    throw new InvalidArgumentError('Use 127.0.0.1:8443, [::1]:8443, 8443, or a path such as ./http.sock.');
  return { host: bracketed ?? name ?? '127.0.0.1', port };
}

function checkTogether(command: Command): void {
  const { behind, listen, key, listenCert, listenKey } = command.opts<DoctorOptions>();
  const error = (message: string): never => command.error(`error: ${message}`);
  if ((behind === undefined) !== (listen === undefined)) error('--behind and --listen need each other');
  if ((listenCert === undefined) !== (listenKey === undefined))
    error('--listen-cert and --listen-key need each other');
  if (listen === undefined && listenCert !== undefined) error('--listen-cert needs --behind and --listen');
  if (behind === undefined) return;
  if (command.args.length > 0) error('--behind and the argument url exclude each other');
  if (key === undefined) error('--behind needs --key');
}

function parseMethod(given: string): string {
  if (/^[A-Z]{1,20}$/.test(given) && given !== 'CONNECT') return given;
  throw new InvalidArgumentError('Use a method such as GET or POST.');
}

function orInvalidArgument<Value>(parse: (given: string) => Value): (given: string) => Value {
  return (given) => {
    try {
      return parse(given);
    } catch (error) {
      if (error instanceof MtlsError) throw new InvalidArgumentError(error.message);
      throw error;
    }
  };
}
