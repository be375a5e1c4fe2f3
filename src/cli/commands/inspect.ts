/**
 * `express-mtls inspect`: describes a file or a server, and what a server of this package would refuse.
 *
 * @module
 */
import { Option } from 'commander';
import { readBounded } from '../../dev-ca/bounded-file.js';
import { hasCode } from '../../dev-ca/files.js';
import { MtlsError } from '../../errors.js';
import { describeDistrust, distrustRemedy } from '../../material/blocks.js';
import { purposes } from '../../x509/purpose.js';
import { type Answer, type CommonOptions, describeError, reportError } from '../answer.js';
import type { Commands } from '../commands.js';
import type { Role } from '../inspect/certificate-verdict.js';
import { listsAny } from '../inspect/crl-report.js';
import { parseSerial, type Wanted, wantedOf } from '../inspect/crl-survey.js';
import { reportFound, surveyAll } from '../inspect/found-report.js';
import { layOut } from '../inspect/layout.js';
import { type Found, readMaterial } from '../inspect/material.js';
import { isRefused, type Report, toData } from '../inspect/report.js';
import { isUrl, reportServer, type Visit, visitServer } from '../inspect/server-visit.js';
import { certificatesAmong, Relations, type Surroundings } from '../inspect/surroundings.js';
import { readFirstLine } from '../secret-file.js';
import type { Terminal } from '../terminal.js';

// A CRL of ten million entries has some 400 MB.
const maxBytes = 2 ** 30;

interface InspectOptions extends CommonOptions {
  readonly ca?: string;
  readonly partialChain?: true;
  readonly find?: string;
  readonly as?: Role;
  readonly passwordFile?: string;
  readonly servername?: string;
}

/** Adds the command. */
export function addInspect({ create, answers }: Commands): void {
  create('inspect')
    .summary('describe a file or a server, and report what would be refused')
    .description(
      'Describes certificates, CRLs, keys, requests and PKCS#12 files, or the certificates of a server, and reports what a server of this package would refuse. The contents of private keys are never shown.',
    )
    .argument('<file...>', 'files, PEM or DER, or https://HOST:PORT')
    .option('--ca <file>', 'the trusted CAs, to verify certification paths and CRLs')
    .option(
      '--partial-chain',
      "the server has partialChain: 'allow': a CA of --ca without its root is a trust anchor",
    )
    .option(
      '--find <serial>',
      'check whether a CRL lists this: a serial number in hex, or the file of a certificate',
    )
    .addOption(
      new Option(
        '--as <role>',
        'the role to check certificates for, instead of their stated purpose',
      ).choices(['client', 'server', 'ca']),
    )
    .option(
      '--password-file <file>',
      'file with the password of PKCS#12 files and encrypted keys in its first line (default: the variable EXPRESS_MTLS_P12_PASSWORD)',
    )
    .option('--servername <name>', 'the server name to request, instead of the host in the URL')
    .action(
      answers(async (terminal, [inputs], options: InspectOptions) =>
        inspect(terminal, inputs as readonly string[], options),
      ),
    )
    .addHelpText(
      'after',
      `
Examples:
  $ express-mtls inspect certs-dev/client1-crt.pem certs-dev/client1-key.pem
  $ express-mtls inspect certs-dev/ca-crl.pem --ca certs-dev/ca-crt.pem --find 1001
  $ express-mtls inspect client1.p12 --password-file password.txt
  $ express-mtls inspect https://localhost:4433 --ca certs-dev/ca-crt.pem

Exit codes: 0 nothing would be refused; 1 something would be refused or is listed; 3 a file cannot be read.`,
    );
}

/** The result of one argument. */
type Input = { readonly input: string } & (
  { readonly found: readonly Found[]; readonly visit?: Visit } | { readonly error: unknown }
);

async function inspect(
  terminal: Terminal,
  names: readonly string[],
  options: InspectOptions,
): Promise<Answer> {
  const password = await readPassword(terminal, options);
  const isOfServers = options.as === 'server' || names.every(isUrl);
  const purpose = isOfServers ? purposes.serverAuth : purposes.clientAuth;
  const cas = options.ca === undefined ? undefined : await readCas(options.ca, purpose);
  const wanted = options.find === undefined ? [] : await readWanted(options.find);
  const inputs = await terminal.during('reading', () =>
    Promise.all(names.map((name) => readInput(name, password, options))),
  );
  const [only] = inputs;
  if (inputs.length === 1 && only !== undefined && 'error' in only) throw only.error;

  const all = inputs.flatMap((input) => ('found' in input ? input.found : []));
  const now = new Date(terminal.world.now());
  const { surroundings, answers } = await terminal.during('checking', () => {
    const surroundings: Surroundings = {
      now,
      role: options.as,
      relations: new Relations(all, cas, options.partialChain === true ? 'allow' : 'deny'),
      surveys: surveyAll(all, wanted),
    };
    const answers = inputs.map((input) =>
      'error' in input ? input : { ...input, reports: reportInput(input, surroundings, wanted) },
    );
    return { surroundings, answers };
  });
  const isListed = [...surroundings.surveys.values()].some((survey) => listsAny(survey, wanted));
  return answerOf(answers, terminal, { isListed, isJson: options.json === true });
}

async function readPassword(
  { world }: Terminal,
  { passwordFile }: InspectOptions,
): Promise<string | undefined> {
  if (passwordFile === undefined) return world.env['EXPRESS_MTLS_P12_PASSWORD'];
  return readFirstLine(passwordFile);
}

async function readCas(file: string, purpose: string): Promise<Found[]> {
  const found = await readMaterial(await readBounded(file, maxBytes), file, undefined);
  if (certificatesAmong(found).length === 0)
    throw new MtlsError('ERR_MTLS_PEM_INVALID', {
      seen: `${file} (--ca) contains no certificate`,
      remedy: 'use the certificate of the CA',
    });
  for (const thing of found) {
    const trust = thing.kind === 'certificate' ? thing.trust : undefined;
    const fault = trust && describeDistrust(trust, purpose);
    if (fault !== undefined)
      throw new MtlsError('ERR_MTLS_CA_INVALID', {
        source: `${thing.origin} (--ca)`,
        seen: `a TRUSTED CERTIFICATE in it ${fault}`,
        remedy: distrustRemedy,
      });
  }
  return found;
}

async function readWanted(find: string): Promise<Wanted[]> {
  const bytes = await readBounded(find, maxBytes).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  });
  if (bytes !== undefined) {
    const [certificate] = certificatesAmong(await readMaterial(bytes, find, undefined));
    if (certificate !== undefined) return [wantedOf(certificate, find)];
  }
  const serial = bytes === undefined ? parseSerial(find) : undefined;
  if (serial !== undefined) return [serial];
  throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
    seen: `--find is "${find}", which is neither a serial number in hex nor a file with a certificate`,
  });
}

async function readInput(
  input: string,
  password: string | undefined,
  { servername }: InspectOptions,
): Promise<Input> {
  try {
    if (isUrl(input)) {
      const visit = await visitServer(input, servername);
      return { input, found: visit.found, visit };
    }
    return { input, found: await readMaterial(await readBounded(input, maxBytes), input, password) };
  } catch (error) {
    return { input, error: isHostAndPort(input) && hasCode(error, 'ENOENT') ? noFile(input) : error };
  }
}

function isHostAndPort(input: string): boolean {
  return /^[\w.-]+:\d{1,5}$/.test(input);
}

function noFile(input: string): MtlsError {
  return new MtlsError('ERR_MTLS_SOURCE_UNREADABLE', {
    seen: `there is no file ${input}`,
    remedy: `for a server, use https://${input}`,
  });
}

function reportInput(
  { found, visit }: Extract<Input, { found: unknown }>,
  surroundings: Surroundings,
  wanted: readonly Wanted[],
): Report[] {
  const reports = found.map((thing, index) =>
    reportFound(thing, surroundings, wanted, index === 0 ? visit?.hostname : undefined),
  );
  return visit === undefined ? reports : [reportServer(visit), ...reports];
}

function answerOf(
  answers: readonly ({ readonly input: string } & (
    { readonly reports: readonly Report[] } | { readonly error: unknown }
  ))[],
  terminal: Terminal,
  { isListed, isJson }: { readonly isListed: boolean; readonly isJson: boolean },
): Answer {
  const reports = answers.flatMap((each) => ('reports' in each ? each.reports : []));
  const data = answers.map((each) => {
    if ('reports' in each) return { input: each.input, items: each.reports.map(toData) };
    if (!isJson) reportError(terminal, each.error);
    return { input: each.input, error: describeError(each.error) };
  });
  const [first] = data;
  return {
    text: reports.map((each) => layOut(each, terminal)).join('\n\n'),
    data: data.length === 1 && first !== undefined ? first : data,
    outcome: answers.some((each) => 'error' in each)
      ? 'failed'
      : isListed || reports.some(isRefused)
        ? 'no'
        : 'done',
  };
}
