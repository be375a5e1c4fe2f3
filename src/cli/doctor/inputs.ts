/**
 * The files given to the doctor. All are read before any check, and all unreadable ones are reported together.
 *
 * @module
 */
import { MtlsError } from '../../errors.js';
import { allOrFaults } from '../../material/all-or-faults.js';
import { readCaSources } from '../../material/authorities.js';
import { readBlocks } from '../../material/blocks.js';
import { toCrlInputs } from '../../material/crl-inputs.js';
import { type BlockExpectation, caBlocks, certificateBlocks, readSource } from '../../material/sources.js';
import { count } from '../../quantity.js';
import { purposes } from '../../x509/purpose.js';
import { type ClientKey, describeKey, readClientKey } from './private-key.js';
import { passed, type Step } from './step.js';

/** The paths given to the doctor. */
export interface InputPaths {
  readonly cert: string;
  readonly key?: string | undefined;
  readonly passphraseFile?: string | undefined;
  readonly ca?: readonly string[] | undefined;
  readonly crl?: readonly string[] | undefined;
  readonly serverCa?: readonly string[] | undefined;
  /** Whether the server has partialChain: 'allow'. */
  readonly partialChain?: true | undefined;
  /** The app's own certificate and key. */
  readonly listenCert?: string | undefined;
  readonly listenKey?: string | undefined;
}

/** The certificates in one file, DER. */
export interface CertificateFile {
  readonly origin: string;
  readonly ders: readonly Buffer[];
}

/** The contents of the files; `undefined` for files that were not given. */
export interface Inputs {
  /** The client's certificate, and the ones after it. */
  readonly client: CertificateFile & {
    readonly leaf: Buffer;
    /** Whether they come from a proxy's header, in place of a file. */
    readonly isForwarded?: boolean;
  };
  readonly key: ClientKey | undefined;
  readonly cas: readonly CertificateFile[] | undefined;
  /** Whether a CA without a configured root is a trust anchor of the server. */
  readonly partialChain: 'deny' | 'allow';
  /** Paths that exist. */
  readonly crl: readonly string[] | undefined;
  readonly serverCas: readonly CertificateFile[] | undefined;
  /** The app's own certificate and those above it, and its key. */
  readonly appCertificate?: CertificateFile | undefined;
  readonly appKey?: ClientKey | undefined;
}

/**
 * Reads all files.
 * @param env - Has the passphrase, if no file does.
 * @throws MtlsError every unreadable file with its remedy.
 */
export async function readInputs(
  paths: InputPaths,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Inputs> {
  const { signal } = new AbortController();
  try {
    const { listenCert, listenKey } = paths;
    const [client, key, cas, , serverCas, appCertificate, appKey] = await allOrFaults([
      Promise.resolve().then(() => readCertificateFile(paths.cert, 'cert')),
      Promise.resolve().then(() => readKeyFile(paths.key, 'key', paths, env)),
      readAuthorities(paths.ca, { ...caBlocks, option: 'ca' }, paths.crl),
      toCrlInputs(paths.crl ?? [], 'crl', signal),
      readAuthorities(paths.serverCa, { ...serverCaBlocks, option: 'server-ca' }),
      Promise.resolve().then(() =>
        listenCert === undefined ? undefined : readCertificateFile(listenCert, 'listen-cert'),
      ),
      Promise.resolve().then(() => readKeyFile(listenKey, 'listen-key', paths, env)),
    ]);
    const partialChain = paths.partialChain === true ? 'allow' : 'deny';
    return { client, key, cas, partialChain, crl: paths.crl, serverCas, appCertificate, appKey };
  } catch (error) {
    throw error instanceof MtlsError ? inTermsOfTheCommand(error) : error;
  }
}

/** Rewords an error about a library option for the option of the command. */
export function inTermsOfTheCommand({ code, seen, expected, remedy, source, errors }: MtlsError): MtlsError {
  return new MtlsError(code, {
    seen: nameFlags(seen),
    expected: expected && nameFlags(expected),
    remedy: remedy && nameFlags(remedy),
    source: source && nameFlags(source),
    errors: errors?.map(inTermsOfTheCommand),
  });
}

function nameFlags(text: string): string {
  return text.replaceAll(/\boptions\.([a-z-]+)(?:\[\d+\])?/g, '--$1');
}

function readCertificateFile(path: string, option: string): Inputs['client'] {
  const source = readSource(path, option);
  const ders = readBlocks(source, certificateBlocks);
  const [leaf] = ders;
  if (leaf !== undefined) return { origin: source.origin, ders, leaf };
  throw new MtlsError('ERR_MTLS_PEM_INVALID', {
    seen: `${path} (--${option}) contains no certificate`,
    remedy: 'use PEM or DER',
  });
}

function readKeyFile(
  key: string | undefined,
  option: string,
  { passphraseFile }: InputPaths,
  env: Readonly<Record<string, string | undefined>>,
): ClientKey | undefined {
  if (key === undefined) return undefined;
  const passphrase =
    passphraseFile === undefined ? env['EXPRESS_MTLS_KEY_PASSPHRASE'] : readPassphrase(passphraseFile);
  return readClientKey(readSource(key, option), passphrase === '' ? undefined : passphrase);
}

function readPassphrase(path: string): string {
  const { bytes } = readSource(path, 'passphrase-file');
  const [line = ''] = bytes.toString('utf8').split(/\r?\n/, 1);
  if (line !== '') return line;
  throw new MtlsError('ERR_MTLS_PASSPHRASE_INVALID', {
    seen: `${path} (--passphrase-file) has an empty first line`,
  });
}

async function readAuthorities(
  paths: readonly string[] | undefined,
  expectation: BlockExpectation & { readonly option: string },
  crl: readonly string[] = [],
): Promise<readonly CertificateFile[] | undefined> {
  if (paths === undefined) return undefined;
  const { signal } = new AbortController();
  const sources = await readCaSources(paths, expectation.option, signal, crl);
  return sources.map((source) => ({ origin: source.origin, ders: readBlocks(source, expectation) }));
}

// CAs of servers: here the doctor is the client.
const serverCaBlocks: BlockExpectation = { ...certificateBlocks, purpose: purposes.serverAuth };

/** Each file and its contents. CRLs have their own steps. */
export function describeInputs({ client, key, cas, serverCas }: Inputs): Step[] {
  const above = client.ders.length - 1;
  const behind = above === 0 ? '' : `, and ${count(above, 'certificate')} after it`;
  return [
    passed('file', `${client.origin}: the client's certificate${behind}`),
    ...(key === undefined ? [] : [passed('file', `${key.origin}: a private key, ${describeKey(key)}`)]),
    ...[...(cas ?? []), ...(serverCas ?? [])].map(({ origin, ders }) =>
      passed('file', `${origin}: ${count(ders.length, 'certificate')} of CAs`),
    ),
  ];
}
