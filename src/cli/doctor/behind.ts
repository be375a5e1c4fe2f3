/**
 * Stands in for the app behind a proxy, calls the proxy, and says what arrives: of a client, of a client without a
 * certificate, and of one that sends the headers of a proxy itself.
 *
 * @module
 */
import { type ClientRuleFunction } from '../../policy/client-rule.js';
import { count } from '../../quantity.js';
import { type Attempt, type AttemptOutcome } from './attempt-account.js';
import { attempt, type Target } from './attempt.js';
import {
  describeAnonymous,
  describeForwarding,
  describeRefusal,
  describeSender,
  type HeaderOption,
  suggestionFor,
} from './behind-findings.js';
import { type FoundCertificate } from './behind-headers.js';
import {
  type AppCredentials,
  describeAddress,
  type ListenAddress,
  markHeader,
  StandIn,
} from './behind-listener.js';
import { type Answered, type Call, trySpoofs } from './behind-trials.js';
import { examine, type Examination } from './examination.js';
import { type Inputs } from './inputs.js';
import { failed, noted, passed, type Step } from './step.js';

/** The proxy, the place of the app, and the client. */
export interface BehindTarget {
  /** The proxy, with the certificate and the key of the client. */
  readonly proxy: Target;
  readonly listen: ListenAddress;
  /** `undefined`: the app speaks plain HTTP. */
  readonly credentials: AppCredentials | undefined;
  readonly inputs: Inputs;
  readonly rule: ClientRuleFunction | undefined;
  readonly at: Date;
}

/** The parts of the report. */
export type SectionName = 'forwarding' | 'judgement' | 'anonymous' | 'spoofing';

/** One part, as printed with `--json`. */
export interface Section {
  readonly section: SectionName;
  readonly steps: readonly Step[];
}

/** What was found, as printed with `--json`. */
export interface BehindReport {
  readonly url: string;
  readonly listen: string;
  /** What to configure as `proxies.header`. */
  readonly header?: HeaderOption;
  readonly sections: readonly Section[];
}

/** The report, and how the app would judge the certificate that arrived. */
export interface BehindOutcome {
  readonly report: BehindReport;
  /** `undefined` if none arrived. */
  readonly examination: Examination | undefined;
}

/**
 * Listens in place of the app, calls the proxy, and stops listening.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID` if it cannot listen; or for an unreadable CRL file.
 */
export async function goBehind(target: BehindTarget): Promise<BehindOutcome> {
  const { proxy, listen, credentials } = target;
  const standIn = await StandIn.open(listen, credentials);
  try {
    const { examination, header, sections } = await callAll(target, standIn);
    return {
      report: {
        url: proxy.url.href,
        listen: describeAddress(listen),
        ...(header === undefined ? {} : { header }),
        sections,
      },
      examination,
    };
  } finally {
    await standIn.close();
  }
}

interface Called {
  readonly sections: readonly Section[];
  readonly header?: HeaderOption;
  readonly examination: Examination | undefined;
}

async function callAll(target: BehindTarget, standIn: StandIn): Promise<Called> {
  const { proxy, inputs } = target;
  const asClient = callerOf(proxy, standIn);
  const anonymously = callerOf({ ...proxy, cert: undefined, key: undefined }, standIn);
  const first = await asClient({});
  const { server } = first.attempt;
  if (first.arrival === undefined)
    return {
      sections: [{ section: 'forwarding', steps: await describeAbsence(first.attempt, target, standIn) }],
      examination: undefined,
    };
  const { found, steps } = describeForwarding(first.arrival, inputs.client, server);
  const examination = found && (await examineForwarded(found, target));
  const anonymous = await anonymously({});
  const before = { found, server };
  const untold = await trySpoofs(anonymously, {
    ...before,
    passesOn: anonymous.arrival !== undefined,
    isClient: false,
  });
  const told = found && (await trySpoofs(asClient, { ...before, passesOn: true, isClient: true }));
  const sections: Section[] = [
    {
      section: 'forwarding',
      steps: [
        ...first.attempt.steps,
        passed('arrived', `at ${describeAddress(target.listen)}`),
        ...noteUnmarked(standIn),
        ...describeSender(first.arrival),
        ...steps,
      ],
    },
    ...(examination === undefined ? [] : [{ section: 'judgement', steps: examination.steps } as const]),
    { section: 'anonymous', steps: [...describeAnonymousCall(anonymous, server), ...untold] },
    ...(told === undefined ? [] : [{ section: 'spoofing', steps: told } as const]),
  ];
  return { sections, examination, ...(found === undefined ? {} : { header: suggestionFor(found) }) };
}

function callerOf(target: Target, standIn: StandIn): Call {
  return async (headers) => {
    const mark = standIn.createMark();
    const made = await attempt({ ...target, headers: { ...headers, [markHeader]: mark } });
    return { attempt: made, arrival: standIn.arrivalOf(mark) };
  };
}

/** The same checks as of a file, of what came in the header. */
async function examineForwarded(
  { header, certificate: { leaf, chain } }: FoundCertificate,
  { inputs, rule, at }: BehindTarget,
): Promise<Examination> {
  const { name } = header.certificate;
  const client = { origin: name, leaf, ders: [leaf, ...chain], isForwarded: true };
  const examination = await examine({ ...inputs, client, key: undefined }, rule, at);
  // The files and the key have been reported.
  const steps = examination.steps.filter(({ step }) => step !== 'file' && step !== 'key');
  return { ...examination, steps };
}

function describeAnonymousCall({ attempt: made, arrival }: Answered, server: string | undefined): Step[] {
  return arrival === undefined ? [describeRefusal(made, 'anonymous')] : describeAnonymous(arrival, server);
}

/** Outcomes before there is a connection that a request could be sent over. */
const withoutRequest: readonly AttemptOutcome[] = ['unreachable', 'unusable', 'no-tls', 'server-not-trusted'];

async function describeAbsence(
  { outcome, steps, status }: Attempt,
  { listen }: BehindTarget,
  standIn: StandIn,
): Promise<readonly Step[]> {
  if (withoutRequest.includes(outcome)) return steps;
  const where = describeAddress(listen);
  const answer = status === undefined ? '' : `, and the proxy answered ${status}`;
  const fault = await standIn.findFault();
  const seen = fault === undefined ? '' : `: ${fault.seen}`;
  const remedy =
    fault?.remedy ??
    `have the proxy send this path to ${where}, and look into its error log; it may also have removed the header ${markHeader}`;
  return [
    ...steps,
    ...noteUnmarked(standIn),
    failed('arrived', `nothing arrived at ${where}${answer}${seen}`, remedy),
  ];
}

function noteUnmarked({ unmarked }: StandIn): Step[] {
  if (unmarked === 0) return [];
  return [
    noted(
      'arrived',
      `${count(unmarked, 'other request')} arrived, without the header ${markHeader}, and got 503`,
    ),
  ];
}
