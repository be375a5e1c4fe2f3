/**
 * Explains why a client is admitted or refused, check by check, as text and as data.
 *
 * @module
 */
import { MtlsError } from '../errors.js';
import { type CertificateIdentity, identityOf } from '../identity/client-identity.js';
import { guardsInForce, type RuleFinding } from '../policy/rule-account.js';
import { describeCrls, type RevocationEntryState } from '../revocation/revocation-state.js';
import { describeSpan } from '../time-span.js';
import { type CertificateChain } from '../x509/certificate-store.js';
import { type Certificate, parseCertificate } from '../x509/certificate.js';
import { type CheckName } from './judgement.js';
import { maxOthers } from './peer.js';
import { abbreviate, describeName, describeRefusal, type RefusalReason } from './refusal.js';
import { type Inspection, type Judge } from './judges.js';

/** One check and its result. */
export interface ExplainedCheck {
  /** The name of the check. */
  readonly check: 'identity' | Exclude<CheckName, 'openssl'>;
  /** Whether the client passed the check; `undefined` if there was nothing to check, because no path was found. */
  readonly passed: boolean | undefined;
  /** What was seen and, if the check failed, the remedy. */
  readonly detail: string;
}

/** One rule that guards a route of this process. */
export interface ExplainedRule extends RuleFinding {
  /** `'{ commonName: "client1" }'`. */
  readonly rule: string;
}

/** A CRL that the verdict is based on. */
export interface ExplainedCrl extends RevocationEntryState {
  /** The time since its thisUpdate, in milliseconds. */
  readonly ageMs: number;
}

/** Another certification path that was checked, and failed. */
export interface ExplainedPath {
  /** The CAs above the client, the root last. */
  readonly authorities: readonly string[];
  /** Why the path failed. */
  readonly reason: RefusalReason;
  /** What was seen, and the remedy. */
  readonly detail: string;
}

/**
 * The result of `mtls.explain()`.
 * @example
 * ```ts
 * const { admitted, checks } = server.mtls.explain(await readFile('client1-crt.pem'));
 * if (!admitted) console.log(checks.filter(({ passed }) => !passed));
 * ```
 */
export interface Explanation {
  /** Whether the gate would admit the client now. Checks that only OpenSSL makes are not included. */
  readonly admitted: boolean;
  /** The reason of the first check that failed; `undefined` if all passed. */
  readonly reason: RefusalReason | undefined;
  /** The identity in the certificate; `undefined` if it cannot be parsed. */
  readonly identity: CertificateIdentity | undefined;
  /** The certificate policies for which the path is valid: see {@link ClientIdentity.policies}. */
  readonly policies: readonly string[];
  /** All checks, including those after a failed one; only the first if the certificate cannot be parsed. */
  readonly checks: readonly ExplainedCheck[];
  /** The CAs above the client, the root last; empty if there is no certification path. */
  readonly authorities: readonly string[];
  /**
   * For a refused client, the other certification paths and why each failed. The checks are those of the path that
   * passed the most.
   */
  readonly otherPaths: readonly ExplainedPath[];
  /** The CRLs that the verdict is based on; empty if no CRL can answer. */
  readonly crls: readonly ExplainedCrl[];
  /** The `requireClient()` rules in this process, and the result of each for the client. */
  readonly rules: readonly ExplainedRule[];
  /** The explanation as lines of text. */
  readonly text: string;
}

/**
 * Explains the verdict of a judge on a certificate.
 * @param ders - The certificate, followed by its intermediates.
 * @throws MtlsError `ERR_MTLS_CERTIFICATE_INVALID` for an intermediate that cannot be parsed.
 */
export function explain(ders: readonly Buffer[], judge: Judge, at: Date): Explanation {
  const [der, ...above] = ders;
  let certificate: Certificate;
  try {
    certificate = parseCertificate(der as Buffer);
  } catch (error) {
    if (!(error instanceof MtlsError)) throw error;
    return unreadable(error);
  }
  const identity = identityOf(certificate);
  // As many as the gate would use.
  const others = above.slice(0, maxOthers).map((each) => parseCertificate(each));
  const inspection = judge.inspect({ certificate, others }, at);
  const checks: ExplainedCheck[] = [
    {
      check: 'identity',
      passed: true,
      detail: `${describeName(certificate.subject)}, serial ${identity.serialNumber}`,
    },
    ...inspection.findings.flatMap(({ check, refusal }) =>
      check === 'openssl'
        ? []
        : [
            {
              check,
              ...(refusal === undefined
                ? explainPassed(check, inspection, certificate, at)
                : { passed: false, detail: describeRefusal(refusal) }),
            },
          ],
    ),
  ];
  const reason = inspection.findings.find(({ refusal }) => refusal !== undefined)?.refusal?.reason;
  const rules = guardsInForce().map(({ text, findingOn }) => ({
    rule: text,
    ...findingOn({
      source: 'tls',
      via: undefined,
      ...identity,
      policies: inspection.policies,
      resumed: false,
    }),
  }));
  const explained = {
    admitted: reason === undefined,
    reason,
    identity,
    policies: inspection.policies,
    checks,
    authorities: (inspection.chain ?? []).slice(1).map(({ subject: name }) => abbreviate(name)),
    otherPaths: explainPaths(inspection),
    crls: crlsOf(inspection, at),
    rules,
  };
  return completed(explained, describeOtherPaths(inspection));
}

function unreadable(error: MtlsError): Explanation {
  return completed({
    admitted: false,
    reason: 'identity-invalid',
    identity: undefined,
    policies: [],
    checks: [{ check: 'identity', passed: false, detail: error.message }],
    authorities: [],
    otherPaths: [],
    crls: [],
    rules: [],
  });
}

/** Describes the failed paths other than the one that decides. */
function explainPaths({ otherPaths }: Pick<Inspection, 'otherPaths'>): ExplainedPath[] {
  return otherPaths.flatMap(({ chain = [], refusal }) =>
    refusal === undefined
      ? []
      : [
          {
            authorities: chain.slice(1).map(({ subject: name }) => abbreviate(name)),
            reason: refusal.reason,
            detail: describeRefusal(refusal),
          },
        ],
  );
}

/** A line for each of the other failed paths, and one if there may be further paths. */
export function describeOtherPaths(inspection: Pick<Inspection, 'otherPaths' | 'isPartial'>): string[] {
  const lines = explainPaths(inspection).map(describeOtherPath);
  return inspection.isPartial ? [...lines, 'there may be further paths, which were not checked'] : lines;
}

/** `'the path through "CN=middle", "CN=root" also fails: …'` */
function describeOtherPath({ authorities, detail }: ExplainedPath): string {
  return `the path through ${authorities.map((name) => `"${name}"`).join(', ')} also fails: ${detail}`;
}

function crlsOf({ status }: Inspection, at: Date): ExplainedCrl[] {
  const crls =
    status?.status === 'good' ? status.crls : status?.status === 'revoked' ? [status.revokedBy] : [];
  return describeCrls([...new Set(crls)]).map((crl) => ({
    ...crl,
    ageMs: at.getTime() - crl.thisUpdate.getTime(),
  }));
}

/** Whether a check has nothing to check without a path. `chain` is the one that fails then. */
const needsPath: Readonly<Record<CheckName, boolean>> = {
  dates: false,
  chain: false,
  path: true,
  revocation: true,
  purpose: false,
  key: false,
  openssl: false,
};

/** The result of a check that did not refuse the client. */
function explainPassed(
  check: Exclude<CheckName, 'openssl'>,
  inspection: Inspection,
  certificate: Certificate,
  at: Date,
): Pick<ExplainedCheck, 'passed' | 'detail'> {
  const { chain } = inspection;
  if (chain === undefined && needsPath[check])
    return { passed: undefined, detail: 'not checked, because no certification path was found' };
  return { passed: true, detail: praise(check, { ...inspection, chain: chain ?? [certificate] }, at) };
}

type Praised = Inspection & { readonly chain: CertificateChain };

/** The detail of a check that passed. */
function praise(check: Exclude<CheckName, 'openssl'>, inspection: Praised, at: Date): string {
  const { chain } = inspection;
  const words: Readonly<Record<typeof check, () => string>> = {
    dates: () => `valid for ${describeSpan(firstEnd(chain) - at.getTime())} more`,
    chain: () => chain.map(({ subject }) => describeName(subject)).join(', issued by '),
    path: () => 'every CA above it permits it',
    revocation: () => praiseRevocation(inspection, at),
    purpose: () => 'it is valid as a client certificate',
    key: () => chain.map(({ publicKeyKind: { algorithm, bits } }) => `${algorithm} ${bits ?? ''}`).join(', '),
  };
  return words[check]();
}

function praiseRevocation(inspection: Inspection, at: Date): string {
  if (inspection.status === undefined) return 'no CRL is configured, so no certificate is ever revoked';
  const crls = crlsOf(inspection, at);
  if (crls.length === 0) return 'no CRL covers it, which the policy allows';
  const names = crls.map(({ issuer, number, deltaBase, nextUpdate, ageMs }) => {
    const kind = deltaBase === undefined ? 'CRL' : 'delta CRL';
    const numbered = number === undefined ? `the ${kind}` : `${kind} number ${number}`;
    const expired = nextUpdate !== undefined && nextUpdate <= at ? ', which has expired' : '';
    return `${numbered} of "${describeName(issuer)}", ${describeSpan(ageMs)} old${expired}`;
  });
  return `not revoked by ${names.join(', and ')}`;
}

function firstEnd(chain: CertificateChain): number {
  return Math.min(...chain.map(({ notAfter }) => notAfter.getTime()));
}

function wordOf(passed: ExplainedCheck['passed']): string {
  return passed === undefined ? 'skipped' : passed ? 'passed ' : 'FAILED ';
}

function completed(parts: Omit<Explanation, 'text'>, otherPaths: readonly string[] = []): Explanation {
  const { admitted, reason, checks, rules } = parts;
  const lines = [
    admitted ? 'is admitted' : `is refused: ${reason ?? ''}`,
    ...checks.map(({ check, passed, detail }) => `  ${wordOf(passed)} ${check}: ${detail}`),
    ...otherPaths.map((path) => `  ${path}`),
    ...rules.map(({ rule, grants, refusedBy }) =>
      grants === true
        ? `  allows  ${rule}`
        : `  ${grants === undefined ? 'may forbid' : 'forbids'} ${rule} (${refusedBy.join(', ')})`,
    ),
  ];
  return Object.freeze({ ...parts, text: lines.join('\n') });
}
