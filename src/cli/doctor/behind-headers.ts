/**
 * The certificates in the headers of a request that arrived, by every preset and encoding.
 *
 * @module
 */
import { MtlsError } from '../../errors.js';
import { type ForwardedCertificate } from '../../forwarded/certificates.js';
import {
  findForwarded,
  type ForwardedFault,
  isFault,
  readForwarded,
} from '../../forwarded/forwarded-certificate.js';
import {
  checkForwardedHeader,
  encodings,
  type ForwardedHeader,
  knownHeaders,
} from '../../forwarded/forwarded-header.js';

/** A header that holds a certificate. */
export interface FoundCertificate {
  /** The header to configure in the app. */
  readonly header: ForwardedHeader;
  /** Other presets with the same meaning. */
  readonly alike: readonly ForwardedHeader[];
  readonly certificate: ForwardedCertificate;
}

/** What the headers of a request hold. */
export interface FoundCertificates {
  readonly certificates: readonly FoundCertificate[];
  /** Headers of presets that hold something else. */
  readonly faults: readonly ForwardedFault[];
}

// Shorter than any certificate.
const shortestValue = 100;

/**
 * Finds the certificates.
 * @param server - The program that the proxy names, to choose between presets that read the same.
 */
export function findCertificates(
  rawHeaders: readonly string[],
  server: string | undefined,
): FoundCertificates {
  const known = new Set(knownHeaders.map(({ certificate }) => certificate.name));
  const long = rawHeaders.filter(
    (_, at) => at % 2 === 0 && (rawHeaders[at + 1] ?? '').length > shortestValue,
  );
  const names = new Set([...known, ...long.map((name) => name.toLowerCase()).filter(isUnknown)]);
  const read = [...names].map((name) => readHeader(name, rawHeaders, server));
  return {
    certificates: read.flatMap((each) => (each === undefined || 'remedy' in each ? [] : [each])),
    faults: read.flatMap((each) => (each !== undefined && 'remedy' in each ? [each] : [])),
  };
}

const fieldNames: ReadonlySet<string> = new Set(
  knownHeaders.flatMap(({ certificate, chain }) =>
    chain === undefined ? [certificate.name] : [certificate.name, chain.name],
  ),
);

/** The names of all presets' headers, in lower case. */
export const knownNames: readonly string[] = [...fieldNames];

function isUnknown(name: string): boolean {
  return !fieldNames.has(name);
}

/** `undefined` if the request does not have the header, or an unknown one holds no certificate. */
function readHeader(
  name: string,
  rawHeaders: readonly string[],
  server: string | undefined,
): FoundCertificate | ForwardedFault | undefined {
  const presets = presetsOf(name).filter(
    ({ chain }, _, all) =>
      all.every((each) => each.chain === undefined) ||
      (chain !== undefined) === hasHeader(rawHeaders, chainNameOf(all)),
  );
  let fault: ForwardedFault | undefined;
  for (const header of [...presets, ...encodingsOf(name)]) {
    const lines = findForwarded(rawHeaders, header);
    if (lines === undefined) continue;
    const certificate = isFault(lines) ? lines : readForwarded(lines, header);
    if (isFault(certificate)) fault ??= certificate;
    else return { ...choose(header, presets, server), certificate };
  }
  return isUnknown(name) ? undefined : fault;
}

function choose(
  header: ForwardedHeader,
  presets: readonly ForwardedHeader[],
  server: string | undefined,
): Pick<FoundCertificate, 'header' | 'alike'> {
  if (header.preset === undefined) return { header, alike: [] };
  const same = presets.filter(({ certificate }) => certificate.encoding === header.certificate.encoding);
  const chosen = preferred(same, server) ?? header;
  return { header: chosen, alike: same.filter((each) => each !== chosen) };
}

/** The preset of a program; by default the first. */
function preferred(
  presets: readonly ForwardedHeader[],
  server: string | undefined,
): ForwardedHeader | undefined {
  return presetFor(server, presets) ?? presets[0];
}

/**
 * The preset of the program that a `Server` header names; `undefined` if there is none.
 * @param presets - Those to choose from.
 */
export function presetFor(
  server: string | undefined,
  presets: readonly ForwardedHeader[] = knownHeaders,
): ForwardedHeader | undefined {
  const program = server?.toLowerCase() ?? '';
  return presets.find(({ preset = '-' }) => program.includes(preset.split('-', 1)[0] ?? '-'));
}

/** A header whose configuration in a proxy is known, for advice about a name. */
export function headerFor(name: string, server: string | undefined): ForwardedHeader | undefined {
  return preferred(
    knownHeaders.filter(({ certificate, chain }) => certificate.name === name || chain?.name === name),
    server,
  );
}

function presetsOf(name: string): readonly ForwardedHeader[] {
  return knownHeaders.filter(({ certificate }) => certificate.name === name);
}

function chainNameOf(headers: readonly ForwardedHeader[]): string {
  return headers.find(({ chain }) => chain !== undefined)?.chain?.name ?? '';
}

function hasHeader(rawHeaders: readonly string[], name: string): boolean {
  return rawHeaders.some((each, at) => at % 2 === 0 && each.toLowerCase() === name);
}

/** Headers of a name that an app would need to configure by name and encoding. */
function encodingsOf(name: string): ForwardedHeader[] {
  try {
    return encodings.map((encoding) => checkForwardedHeader({ name, encoding }, 'header'));
  } catch (error) {
    // A name that has another use.
    if (error instanceof MtlsError) return [];
    throw error;
  }
}
