/**
 * Calls a proxy with the headers of a proxy, as a client could, and says which of them it passes on.
 *
 * @module
 */
import { adviceOf } from '../../forwarded/proxy-advice.js';
import { type SentHeaders } from './answer-reading.js';
import { type Attempt } from './attempt-account.js';
import { describeOption, describeRefusal, suggestionFor } from './behind-findings.js';
import { findCertificates, type FoundCertificate, headerFor, presetFor } from './behind-headers.js';
import { type Arrival } from './behind-listener.js';
import { arrivedSpoofs, namesToTry, spoofedHeaders, type SpoofForm, spoofForms } from './behind-spoofs.js';
import { failed, noted, passed, type Step } from './step.js';

/** A call, and what arrived of it. */
export interface Answered {
  readonly attempt: Attempt;
  readonly arrival: Arrival | undefined;
}

/** Calls the proxy with these header lines. */
export type Call = (headers: SentHeaders) => Promise<Answered>;

/** What is known of the proxy before it is tried. */
export interface Before {
  /** The header that it sets for clients; `undefined` if it sets none. */
  readonly found: FoundCertificate | undefined;
  /** The program that it names. */
  readonly server: string | undefined;
  /** Whether it passes on a request like this without the headers. */
  readonly passesOn: boolean;
  /** Whether the client has its certificate, which must then arrive in every request. */
  readonly isClient: boolean;
}

interface Trial {
  readonly form: SpoofForm;
  /** What arrived, of one request with all headers, or of one for each of them. */
  readonly arrivals: readonly Arrival[];
  readonly refusal: Attempt | undefined;
}

/** Tries each form. All headers are sent in one request, and one by one if the proxy refuses that. */
export async function trySpoofs(call: Call, before: Before): Promise<readonly Step[]> {
  const names = namesToTry(before.found?.header.certificate.name);
  const trials: Trial[] = [];
  for (const form of spoofForms) {
    const { attempt, arrival } = await call(spoofedHeaders(names, form));
    if (arrival !== undefined) {
      trials.push({ form, arrivals: [arrival], refusal: undefined });
      continue;
    }
    const alone = before.passesOn ? await tryEach(call, names, form) : { arrivals: [], attempts: [attempt] };
    const fault = alone.attempts
      .map((made) => describeRefusal(made, 'spoofing'))
      .find(({ outcome }) => outcome === 'fails');
    if (fault !== undefined) return [{ ...fault, detail: `sent ${form.title}: ${fault.detail}` }];
    trials.push({ form, arrivals: alone.arrivals, refusal: attempt });
  }
  return describeTrials(trials, before);
}

/** What arrived of each header, and the attempts of which nothing did. */
async function tryEach(
  call: Call,
  names: readonly string[],
  form: SpoofForm,
): Promise<{ readonly arrivals: readonly Arrival[]; readonly attempts: readonly Attempt[] }> {
  const arrivals: Arrival[] = [];
  const attempts: Attempt[] = [];
  for (const name of names) {
    const { arrival, attempt } = await call(spoofedHeaders([name], form));
    if (arrival === undefined) attempts.push(attempt);
    else arrivals.push(arrival);
    // It may have stopped answering.
    if (attempt.outcome === 'no-answer') break;
  }
  return { arrivals, attempts };
}

function describeTrials(trials: readonly Trial[], before: Before): Step[] {
  const { found, server, isClient } = before;
  if (trials.every(({ arrivals }) => arrivals.length === 0)) {
    const [first] = trials;
    return first?.refusal === undefined ? [] : [describeRefusal(first.refusal, 'spoofing')];
  }
  const arrived = formsByName(trials);
  const read = found === undefined ? [] : readNames(found);
  const others = [...arrived.keys()].filter((name) => !read.includes(name));
  return [
    ...read.map((name) => describeRead(name, arrived.get(name), before)),
    ...(found === undefined || !isClient || read.some((name) => arrived.has(name))
      ? []
      : noteMissing(trials, found, server)),
    ...(others.length === 0 ? [] : [describeOthers(others, before)]),
  ];
}

/** The headers that an app reads. */
function readNames({ header: { certificate, chain } }: FoundCertificate): string[] {
  return chain === undefined ? [certificate.name] : [certificate.name, chain.name];
}

/** How the headers were sent that arrived, by the name that they arrived under. */
function formsByName(trials: readonly Trial[]): ReadonlyMap<string, readonly string[]> {
  const forms = new Map<string, string[]>();
  for (const { form, arrivals } of trials) {
    const names = new Set(arrivals.flatMap(({ rawHeaders }) => arrivedSpoofs(rawHeaders)));
    for (const name of names) forms.set(name, [...(forms.get(name) ?? []), form.title]);
  }
  return forms;
}

function describeRead(name: string, forms: readonly string[] | undefined, { found, isClient }: Before): Step {
  if (forms === undefined)
    return passed(
      'spoofing',
      `${name} of a client does not arrive: sent ${inWords(spoofForms.map(titleOf))}`,
    );
  const beside = isClient ? ', beside that of the proxy or in its place' : '';
  const advice = found === undefined ? '' : `; ${adviceOf(found.header)}`;
  return failed(
    'spoofing',
    `${name} arrives as a client sends it${beside}: sent ${inWords(forms)}. A client could name another`,
    `have the proxy remove ${name} from every request, and then set it, instead of adding it${advice}`,
  );
}

/** Where neither the certificate of the client arrives nor the header that it sent. */
function noteMissing(
  trials: readonly Trial[],
  { header: { certificate: field }, certificate }: FoundCertificate,
  server: string | undefined,
): Step[] {
  const missing = trials.filter(({ arrivals }) =>
    arrivals.some(
      ({ rawHeaders }) =>
        !findCertificates(rawHeaders, server).certificates.some(
          (each) =>
            each.header.certificate.name === field.name && each.certificate.leaf.equals(certificate.leaf),
        ),
    ),
  );
  const text = inWords(missing.map(({ form }) => form.title));
  return missing.length === 0
    ? []
    : [
        noted(
          'spoofing',
          `a client that sends such headers has no certificate in ${field.name}: sent ${text}`,
        ),
      ];
}

function describeOthers(names: readonly string[], { found, server }: Before): Step {
  const list = listNames(names);
  if (found !== undefined)
    return noted(
      'spoofing',
      `of a client these headers arrive: ${list}. An app with proxies.header ${describeOption(suggestionFor(found))} does not read them, and removes them before any handler; remove them in the proxy if anything else reads them`,
    );
  const header =
    presetFor(server) ?? names.map((name) => headerFor(name, server)).find((each) => each !== undefined);
  return failed(
    'spoofing',
    `the proxy sets no header for a certificate, and these arrive as a client sends them: ${list}`,
    header && `have the proxy set the header that the app reads, for example ${adviceOf(header)}`,
  );
}

/** A name with dashes stands for the same one with underscores too. */
function listNames(names: readonly string[]): string {
  const plain = names.filter((name) => !name.includes('_'));
  const under = names.filter((name) => name.includes('_'));
  const alone = under.filter((name) => !plain.includes(name.replaceAll('_', '-')));
  const both = under.length > alone.length ? ' (with underscores too)' : '';
  return [plain.join(', ') + both, ...alone].filter((part) => part !== '').join(', ');
}

const titleOf = ({ title }: SpoofForm): string => title;

/** `'a, b and c'`. */
function inWords(items: readonly string[]): string {
  return items.length < 2 ? items.join('') : `${items.slice(0, -1).join(', ')} and ${items.at(-1) ?? ''}`;
}
