/**
 * What arrived behind a proxy, as steps.
 *
 * @module
 */
import { MtlsError } from '../../errors.js';
import { type ForwardedField, type ForwardedPreset, secretHeader } from '../../forwarded/forwarded-header.js';
import { adviceOf } from '../../forwarded/proxy-advice.js';
import { identityOf } from '../../identity/client-identity.js';
import { describeName } from '../../judgement/refusal.js';
import { count } from '../../quantity.js';
import { parseCertificate } from '../../x509/certificate.js';
import { type Attempt } from './attempt-account.js';
import { findCertificates, type FoundCertificate, presetFor } from './behind-headers.js';
import { type Arrival, type Sender } from './behind-listener.js';
import { type CertificateFile } from './inputs.js';
import { failed, noted, passed, type Step } from './step.js';

/** Who sent a request, and how an app could recognise the sender: `proxies.from`. */
export function describeSender({ sender, rawHeaders }: Arrival): Step[] {
  const secrets = rawHeaders.filter((name, at) => at % 2 === 0 && name.toLowerCase() === secretHeader).length;
  const step = describeProof(sender, secrets > 0);
  if (secrets === 0) return [step];
  if (secrets > 1)
    return [
      step,
      failed(
        'secret',
        `Mtls-Proxy-Secret came ${secrets} times, and the app refuses several lines of it`,
        'have the proxy set it once, instead of adding it',
      ),
    ];
  return [
    step,
    passed(
      'secret',
      'Mtls-Proxy-Secret came once; its value is not shown, and was not compared with that of the app',
    ),
  ];
}

function describeProof(sender: Sender, hasSecret: boolean): Step {
  if (sender.kind === 'socket')
    return passed('proxy', 'it came through the Unix socket: proxies.from can be { socket: true }');
  const { address } = sender;
  if (sender.kind === 'tls' && sender.certificate !== undefined)
    return describeOwn(sender.certificate, address);
  const seen = `it came from ${address} ${sender.kind === 'tls' ? `over ${sender.protocol}, without a certificate of the proxy` : 'over TCP, without TLS'}`;
  if (hasSecret) return passed('proxy', `${seen}, but with a secret: proxies.from can be { secret }`);
  return noted(
    'proxy',
    `${seen}: nothing but its address tells the proxy from any other process that can connect; give the proxy a certificate, a Unix socket or a secret`,
  );
}

function describeOwn(der: Buffer, address: string): Step {
  try {
    const { subject, commonName } = identityOf(parseCertificate(der));
    const rule = commonName === undefined ? '…' : `{ commonName: ${JSON.stringify(commonName)} }`;
    return passed(
      'proxy',
      `it came from ${address}, with the proxy's own certificate ${describeName(subject)}: proxies.from can be { ca, rule: ${rule} }`,
    );
  } catch (error) {
    if (!(error instanceof MtlsError)) throw error;
    return failed('proxy', `the proxy's own certificate ${error.seen}`, 'issue it again');
  }
}

/** What the headers of the request with the client's certificate hold. */
export interface Forwarding {
  readonly steps: readonly Step[];
  /** The header that holds the client's certificate. */
  readonly found: FoundCertificate | undefined;
}

/** Which header holds the certificate, in which form, and whether it is the client's. */
export function describeForwarding(
  { rawHeaders }: Arrival,
  client: CertificateFile & { readonly leaf: Buffer },
  server: string | undefined,
): Forwarding {
  const { certificates, faults } = findCertificates(rawHeaders, server);
  const faulty = faults.map(({ seen, expected, remedy }) =>
    failed('header', expected === undefined ? seen : `${seen}; expected ${expected}`, remedy),
  );
  const own = certificates.filter(({ certificate }) => certificate.leaf.equals(client.leaf));
  const others = certificates.filter((each) => !own.includes(each));
  const [found] = own;
  const steps = [...own.map(describeHeader), ...faulty];
  if (found !== undefined)
    return {
      found,
      steps: [...steps, describeChain(found, client), passed('same', same), ...others.map(noteOther)],
    };
  if (others.length > 0)
    return { found, steps: [...others.map(describeHeader), ...faulty, ...others.map(describeOther)] };
  if (faulty.length > 0) return { found, steps };
  const advice = presetFor(server);
  return {
    found,
    steps: [
      failed(
        'header',
        'no header holds a certificate',
        advice === undefined ? 'configure the proxy as docs/behind-a-proxy.md says' : adviceOf(advice),
      ),
    ],
  };
}

const same = "it is the client's certificate, byte for byte";

const forms = {
  rfc9440: 'DER as a Byte Sequence (RFC 9440)',
  'percent-pem': 'percent-encoded PEM',
  'spaced-pem': 'PEM with spaces for line breaks',
  'base64-der': 'DER in base64',
  xfcc: 'an element of X-Forwarded-Client-Cert',
} as const;

/** A value of `proxies.header`. */
export type HeaderOption = ForwardedPreset | ForwardedField;

/** What to write as `proxies.header`. */
export function suggestionFor({ header: { preset, certificate } }: FoundCertificate): HeaderOption {
  return preset ?? certificate;
}

/** As it is written in a program. */
export function describeOption(option: HeaderOption): string {
  return typeof option === 'string'
    ? `'${option}'`
    : `{ name: '${option.name}', encoding: '${option.encoding}' }`;
}

function describeHeader(found: FoundCertificate): Step {
  const { name, encoding } = found.header.certificate;
  const alike = found.alike.map(({ preset = '' }) => `'${preset}'`).join(', ');
  const others = alike === '' ? '' : `, which reads the same as ${alike}`;
  return passed(
    'header',
    `${name} holds ${forms[encoding]}: proxies.header is ${describeOption(suggestionFor(found))}${others}`,
  );
}

function describeChain({ header, certificate }: FoundCertificate, { ders }: CertificateFile): Step {
  const name = header.chain?.name ?? header.certificate.name;
  const { length } = certificate.chain;
  if (length > 0) return passed('header-chain', `${name} has ${count(length, 'certificate')} above it`);
  const sent = ders.length - 1;
  return sent === 0
    ? passed('header-chain', 'no certificate above it came, and the client sent none')
    : noted(
        'header-chain',
        `the client sent ${count(sent, 'certificate')} above its own, and none arrived: configure the intermediates in options.ca`,
      );
}

function describeOther({ header, certificate }: FoundCertificate): Step {
  return failed(
    'same',
    `${header.certificate.name} holds another certificate than the client's: ${nameIn(certificate.leaf)}`,
    'call the proxy that ends TLS for clients; of two proxies in a row, the second must pass on the header of the first',
  );
}

function noteOther({ header, certificate }: FoundCertificate): Step {
  return noted('header', `${header.certificate.name} holds another certificate: ${nameIn(certificate.leaf)}`);
}

function nameIn(der: Buffer): string {
  try {
    return describeName(parseCertificate(der).subject);
  } catch (error) {
    if (error instanceof MtlsError) return 'it cannot be read';
    throw error;
  }
}

/** What arrives of a client without a certificate. Anything is a fault. */
export function describeAnonymous(arrival: Arrival, server: string | undefined): Step[] {
  const { certificates, faults } = findCertificates(arrival.rawHeaders, server);
  const steps = [
    ...certificates.map(({ header, certificate }) =>
      failed(
        'anonymous',
        `${header.certificate.name} holds a certificate, and the client sent none: ${nameIn(certificate.leaf)}`,
        adviceOf(header),
      ),
    ),
    ...faults.map(({ seen, remedy }) => failed('anonymous', seen, remedy)),
  ];
  return steps.length > 0 ? steps : [passed('anonymous', 'no header for a certificate arrives')];
}

/** A request that the proxy did not pass on: a refusal, unless there was no answer, or one of a fault or a limit. */
export function describeRefusal({ outcome, status, steps }: Attempt, step: string): Step {
  if (status !== undefined && (status >= 500 || status === 429))
    return failed(
      step,
      `this could not be tried: the proxy answers ${status}`,
      'look into the error log of the proxy, and try again',
    );
  if (status !== undefined)
    return passed(step, `the proxy does not pass the request on: it answers ${status}`);
  const seen = steps.at(-1)?.detail ?? outcome;
  return outcome.startsWith('refused')
    ? passed(step, `the proxy does not pass the request on: ${seen}`)
    : failed(step, seen, 'check whether the proxy answers such requests at all');
}
