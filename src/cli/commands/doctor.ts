/**
 * `express-mtls doctor`: why a client is refused.
 *
 * @module
 */
import { Argument, InvalidArgumentError, Option } from 'commander';
import { MtlsError } from '../../errors.js';
import { type ClientRuleFunction } from '../../policy/client-rule.js';
import { formatPem } from '../../x509/pem.js';
import type { Answer, CommonOptions } from '../answer.js';
import { type Commands, repeatable } from '../commands.js';
import { type Attempt } from '../doctor/attempt-account.js';
import { attempt } from '../doctor/attempt.js';
import { examine } from '../doctor/examination.js';
import { type CertificateFile, type InputPaths, type Inputs, readInputs } from '../doctor/inputs.js';
import { writeReport } from '../doctor/report.js';
import { parseRule } from '../doctor/rule.js';
import { skipped, type Step } from '../doctor/step.js';
import { conclude } from '../doctor/verdict.js';
import type { Terminal } from '../terminal.js';

interface DoctorOptions extends CommonOptions, InputPaths {
  readonly rule?: ClientRuleFunction;
  readonly servername?: string;
  readonly method: string;
}

/** Adds the command. */
export function addDoctor({ create, answers }: Commands): void {
  create('doctor')
    .summary('find out why a client is refused')
    .description(
      'Runs the checks of a server on a client certificate, in the same order and with the same code, and reports what fails. With a URL, it then connects to that server with the certificate. Checks without an input are skipped and reported as such.',
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

Exit codes: 0 the client would be, or was, admitted; 1 it would not be, or was not; 2 called incorrectly; 3 a file cannot be read.`,
    );
}

async function doctor(terminal: Terminal, url: URL | undefined, options: DoctorOptions): Promise<Answer> {
  const at = new Date(terminal.world.now());
  const inputs = await readInputs(options, terminal.world.env);
  const examination = await examine(inputs, options.rule, at);
  const obstacle = url && obstacleOf(inputs, examination.steps);
  const attempted =
    url === undefined || obstacle !== undefined
      ? undefined
      : await terminal.during(`trying ${url.host}`, tryServer(url, inputs, options));
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

async function tryServer(
  url: URL,
  { client, key, cas, serverCas }: Inputs,
  { servername, method }: DoctorOptions,
): Promise<Attempt> {
  const trusted = serverCas ?? cas;
  return await attempt({
    url,
    method,
    servername,
    cert: toPem(client),
    key: key?.key.export({ type: 'pkcs8', format: 'pem' }).toString() ?? '',
    serverCas: trusted?.map(toPem),
  });
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
