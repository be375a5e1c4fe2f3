/**
 * The last line: whether the client is admitted, or else the first reason why not.
 *
 * @module
 */
import { describeDate } from '../time.js';
import { type Attempt } from './attempt-account.js';
import { describeOption } from './behind-findings.js';
import { type BehindOutcome, type SectionName } from './behind.js';
import { type Examination } from './examination.js';

/** The verdict, as printed with `--json`. */
export interface Verdict {
  /** Whether no check fails, and a server that was tried has served the client. */
  readonly letIn: boolean;
  /** The reason in one word: that of a refusal, `'forbidden'`, or another obstacle. */
  readonly reason?: string;
  /** The error code, if a refusal has one. */
  readonly code?: string;
  /** The verdict in one sentence. */
  readonly text: string;
  /** If the server disagrees with these checks: the possible differences, and how to check them. */
  readonly advice: readonly string[];
}

/** Draws the conclusion. */
export function conclude(examination: Examination, attempt: Attempt | undefined, at: Date): Verdict {
  const local = concludeHere(examination, at);
  if (attempt === undefined) return local;
  const { name } = examination;
  const { url, outcome, steps } = attempt;
  if (outcome === 'served') {
    const served = `${url} answered ${attempt.status ?? ''}`;
    const isRefusedHere = local.reason !== undefined;
    return isRefusedHere
      ? { ...local, text: `${local.text}; but the server admitted it: ${served}`, advice: laxer }
      : { letIn: true, text: `${name} is admitted: ${served}${unchecked(examination)}`, advice: [] };
  }
  if (local.reason !== undefined) return local;
  const last = steps.at(-1)?.detail ?? '';
  const isRefused = outcome.startsWith('refused');
  return {
    letIn: false,
    reason: attempt.reason ?? outcome,
    ...(attempt.code === undefined ? {} : { code: attempt.code }),
    text: isRefused
      ? `${name} is refused by ${url}, although all checks here pass: ${last}`
      : `${name} could not be tested completely: ${last}`,
    advice: adviceOn(attempt),
  };
}

const reasonsBehind: Readonly<Record<Exclude<SectionName, 'judgement'>, string>> = {
  forwarding: 'not-forwarded',
  anonymous: 'unsafe-proxy',
  spoofing: 'unsafe-proxy',
};

/** Draws the conclusion behind a proxy: only a safe one can admit a client. */
export function concludeBehind({ report, examination }: BehindOutcome, at: Date): Verdict {
  const local = examination && concludeHere(examination, at);
  const faults = report.sections.flatMap(({ section, steps }) =>
    section === 'judgement'
      ? []
      : steps
          .filter(({ outcome }) => outcome === 'fails')
          .map(({ detail }) => ({ reason: reasonsBehind[section], detail })),
  );
  // An unsafe proxy is the graver fault.
  const fault = faults.find(({ reason }) => reason === 'unsafe-proxy') ?? faults[0];
  if (fault !== undefined) {
    const { reason, detail } = fault;
    const what = reason === 'unsafe-proxy' ? 'is unsafe' : 'does not forward the client as an app needs it';
    return { letIn: false, reason, text: `the proxy at ${report.url} ${what}: ${detail}`, advice: [] };
  }
  if (local === undefined) return { letIn: false, text: 'no certificate arrived', advice: [] };
  const header = report.header === undefined ? '' : `, with proxies.header ${describeOption(report.header)}`;
  return { ...local, text: `${local.text}; behind ${report.url}${header}` };
}

function concludeHere(examination: Examination, at: Date): Verdict {
  const { name, steps, refusal, isRevokedItself } = examination;
  const first = steps.find(({ outcome }) => outcome === 'fails');
  if (first === undefined) {
    const isKnown = steps.every(({ step, outcome }) => step !== 'chain' || outcome === 'ok');
    // --crl stands for options.crl of the server. Without it, it is unknown whether the server has a CRL.
    const hasCrl = steps.every(({ step, outcome }) => step !== 'crl' || outcome !== 'skipped');
    return {
      letIn: isKnown,
      text: isKnown
        ? `${name} would be admitted${hasCrl ? '' : ' by a server without a CRL'}${unchecked(examination)}`
        : `no check refuses ${name}${unchecked(examination)}`,
      advice: [],
    };
  }
  if (refusal !== undefined) {
    const { reason, code, detail, revocation } = refusal;
    const why =
      revocation !== undefined && isRevokedItself
        ? `revoked on ${describeDate(revocation.date, at.getTime())} (${revocation.reason}) by ${listName(revocation)}`
        : `${reason}: ${detail}`;
    return { letIn: false, reason, code, text: `${name} is refused: ${why}`, advice: [] };
  }
  const [reason, before] = elsewhere[first.step] ?? ['faulty', 'cannot be assessed'];
  const code = first.step === 'rule' ? { code: 'ERR_MTLS_CLIENT_FORBIDDEN' } : {};
  return { letIn: false, reason, ...code, text: `${name} ${before}: ${first.detail}`, advice: [] };
}

/** Steps that can fail without a refusal of the gate. */
const elsewhere: Readonly<Record<string, readonly [reason: string, before: string]>> = {
  key: ['key-mismatch', 'cannot connect'],
  ca: ['ca-faulty', 'cannot be admitted: no server starts with these CAs'],
  crl: ['crl-faulty', 'cannot be admitted: no server starts with these CRLs'],
  certificate: ['chain-faulty', 'sends an unreadable certificate'],
  rule: ['forbidden', 'is admitted, but the rule forbids the request'],
};

function listName({
  crlNumber,
  crlIssuer,
}: {
  readonly crlNumber: string | undefined;
  crlIssuer: string;
}): string {
  return crlNumber === undefined ? `the CRL of ${crlIssuer}` : `CRL number ${crlNumber} of ${crlIssuer}`;
}

function unchecked({ steps }: Examination): string {
  const names = [...new Set(steps.filter(({ outcome }) => outcome === 'skipped').map(({ step }) => step))];
  return names.length === 0 ? '' : `; not checked: ${names.join(', ')}`;
}

const howToSee =
  'on the server, the log line "refused: …" or "evicted: …" and the event of that name have the reason, and mtls.explain(certificate) has every check';

type Difference = 'ca' | 'crl' | 'clock' | 'rules' | 'proxy';

const differences: Readonly<Record<Difference, string>> = {
  ca: 'a different CA: compare options.ca of the server with --ca',
  crl: 'a different CRL in force, newer or stale: compare mtls.revocation, or the log line "reloaded", with --crl',
  clock: 'a different clock: compare the time of the server with that of this machine',
  rules:
    'different policies: options.certificates and options.revocation of the server, and the security level of its OpenSSL (tls.ciphers)',
  proxy: 'a proxy or load balancer in front of it that terminates TLS or refuses clients itself',
};

/** The difference to check, by the reason that the server reported. */
const byReason: Readonly<Record<string, Difference>> = {
  untrusted: 'ca',
  revoked: 'crl',
  'revocation-unknown': 'crl',
  expired: 'clock',
  'not-yet-valid': 'clock',
  'wrong-purpose': 'rules',
  'is-a-ca': 'rules',
  'weak-key': 'rules',
  'weak-signature': 'rules',
  'unsupported-extension': 'rules',
  'not-permitted': 'ca',
  'no-certificate': 'proxy',
};

/** The same by the number of an alert. */
const byAlert: Readonly<Record<number, Difference>> = { 44: 'crl', 45: 'clock', 48: 'ca', 116: 'proxy' };

function adviceOn({ outcome, code, reason, alert }: Attempt): readonly string[] {
  if (!outcome.startsWith('refused') || code === 'ERR_MTLS_CLIENT_FORBIDDEN') return [];
  const told = byReason[reason ?? ''] ?? byAlert[alert?.number ?? -1];
  return [...(told === undefined ? Object.values(differences) : [differences[told]]), howToSee];
}

const laxer = [
  'the server may have a different CA, an older CRL, or none: compare options.ca with --ca, and mtls.revocation with --crl',
  'it may admit more with options.revocation or options.certificates, or require no certificate for this path',
  'a proxy in front of it may terminate TLS',
  'mtls.explain(certificate) on the server shows its own checks',
];
