/**
 * The last line: whether the client is let in, and the first reason where it is not.
 *
 * @module
 */
import { describeDate } from '../time.js';
import { type Attempt } from './attempt-account.js';
import { type Examination } from './examination.js';

/** The verdict, as `--json` has it. */
export interface Verdict {
  /** Whether nothing here refuses the client, and a server that was tried has served it. */
  readonly letIn: boolean;
  /** In one word: that of a refusal, `'forbidden'`, or what else is in the way. */
  readonly reason?: string;
  /** The error's code, where a refusal would have one. */
  readonly code?: string;
  /** In one sentence. */
  readonly text: string;
  /** Where this and the server do not agree: what may differ, and how to see it. */
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
      ? { ...local, text: `${local.text}; yet it was let in: ${served}`, advice: laxer }
      : { letIn: true, text: `${name} is let in: ${served}${unchecked(examination)}`, advice: [] };
  }
  if (local.reason !== undefined) return local;
  const last = steps.at(-1)?.detail ?? '';
  const isRefused = outcome.startsWith('refused');
  return {
    letIn: false,
    reason: attempt.reason ?? outcome,
    ...(attempt.code === undefined ? {} : { code: attempt.code }),
    text: isRefused
      ? `${name} is refused by ${url}, though nothing here refuses it: ${last}`
      : `${name} was not tried to the end: ${last}`,
    advice: adviceOn(attempt),
  };
}

function concludeHere(examination: Examination, at: Date): Verdict {
  const { name, steps, refusal, isRevokedItself } = examination;
  const first = steps.find(({ outcome }) => outcome === 'fails');
  if (first === undefined) {
    const isKnown = steps.every(({ step, outcome }) => step !== 'chain' || outcome === 'ok');
    // --crl stands for the server's options.crl. Whether the server has none, or the CRL was left out here, is not known.
    const hasCrl = steps.every(({ step, outcome }) => step !== 'crl' || outcome !== 'skipped');
    return {
      letIn: isKnown,
      text: isKnown
        ? `${name} would be let in${hasCrl ? '' : ' by a server without a CRL'}${unchecked(examination)}`
        : `nothing here refuses ${name}${unchecked(examination)}`,
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
  const [reason, before] = elsewhere[first.step] ?? ['faulty', 'is in doubt'];
  const code = first.step === 'rule' ? { code: 'ERR_MTLS_CLIENT_FORBIDDEN' } : {};
  return { letIn: false, reason, ...code, text: `${name} ${before}: ${first.detail}`, advice: [] };
}

/** Steps that fail without a refusal of the gate. */
const elsewhere: Readonly<Record<string, readonly [reason: string, before: string]>> = {
  key: ['key-mismatch', 'cannot connect'],
  ca: ['ca-faulty', 'finds no server: none starts with these CAs'],
  crl: ['crl-faulty', 'finds no server: none starts with these CRLs'],
  certificate: ['chain-faulty', 'sends something unreadable'],
  rule: ['forbidden', 'is let in, and then refused by the rule'],
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
  'the server knows: its log line "refused: …" or "evicted: …" has the reason, mtls.explain(certificate) has every check, and the events "refused" and "evicted" have the same as data';

type Difference = 'ca' | 'crl' | 'clock' | 'rules' | 'proxy';

const differences: Readonly<Record<Difference, string>> = {
  ca: 'another CA: compare options.ca of the server with --ca',
  crl: 'another CRL in force there, newer or run out: compare mtls.revocation, or the log line "reloaded", with --crl',
  clock: 'another clock: compare the time of the server with that of this machine',
  rules:
    'other rules: options.certificates and options.revocation of the server, and the security level of its OpenSSL (tls.ciphers)',
  proxy: 'a proxy or load balancer before it that ends TLS or refuses by itself',
};

/** What can differ, by the reason that the server gave. */
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
  'the server may have another CA, an older CRL, or none: compare options.ca, and mtls.revocation with --crl',
  'it may admit more by options.revocation or options.certificates, or ask for no certificate under this path',
  'a proxy before it may end TLS',
  'what mtls.explain(certificate) says there is what counts there',
];
