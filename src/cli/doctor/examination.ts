/**
 * Runs all checks of a server with default options on a client, in the same order and with the code of the gate,
 * without a server.
 *
 * @module
 */
import { dataOf, MtlsError } from '../../errors.js';
import { identityOf } from '../../identity/client-identity.js';
import { checkCertificatePolicy } from '../../judgement/certificate-policy.js';
import { maxOthers } from '../../judgement/peer.js';
import { describeName, type Refusal, refuse } from '../../judgement/refusal.js';
import { createJudge } from '../../judgement/judges.js';
import { type ClientRuleFunction } from '../../policy/client-rule.js';
import { checkRevocationPolicy } from '../../revocation/revocation-policy.js';
import { type Certificate, parseCertificate } from '../../x509/certificate.js';
import { openAuthorities } from './authorities.js';
import { readCrls } from './crls.js';
import { describeOtherPaths } from '../../judgement/explanation.js';
import { describeFindings } from './findings.js';
import { describeInputs, type Inputs } from './inputs.js';
import { noteNames } from './names.js';
import { compareKey } from './private-key.js';
import { askRule } from './rule.js';
import { failed, failedWith, noted, passed, type Step } from './step.js';

/** The findings without a server. */
export interface Examination {
  /** The client, as it appears in sentences. */
  readonly name: string;
  readonly steps: readonly Step[];
  /** The refusal of the gate: that of the first check that fails. */
  readonly refusal: Refusal | undefined;
  /** Whether the client is revoked, rather than a CA above it. */
  readonly isRevokedItself: boolean;
}

/**
 * Examines a client.
 * @throws MtlsError for an unreadable CRL file.
 */
export async function examine(
  inputs: Inputs,
  rule: ClientRuleFunction | undefined,
  at: Date,
): Promise<Examination> {
  const { client, key, cas, partialChain } = inputs;
  const authorities = openAuthorities(cas, at, partialChain);
  const policy = checkRevocationPolicy();
  const crls = await readCrls(inputs, authorities.store, policy, at);
  const about = [...describeInputs(inputs), compareKey(key, client.ders, client.origin)];
  const [certificate, ...after] = readCertificates(client.ders);
  // OpenSSL trusts no chain of such a server, so the gate does not read what clients send after their certificate.
  const areIgnored = partialChain === 'allow' && client.isForwarded !== true && after.length > 0;
  const others = areIgnored ? [] : after;
  if (!isCertificate(certificate))
    return unreadable(client.origin, certificate, [...about, authorities.step, ...crls.steps]);
  const identity = identityOf(certificate);
  const peer = { certificate, identity, others: others.filter(isCertificate) };
  const judge = createJudge({ store: authorities.store, revocation: crls.checker }, checkCertificatePolicy());
  const inspection = judge.inspect(peer, at);
  const judged = describeFindings({
    ...peer,
    inspection,
    store: authorities.store,
    crls: crls.checker,
    cas,
    files: [client, ...(cas ?? [])],
    isForwarded: client.isForwarded === true,
    at,
  });
  const { dates, chain, path, revocation, ...more } = judged;
  const { refusal } =
    inspection.findings.find(({ check }) => check !== 'openssl' && judged[check].outcome === 'fails') ?? {};
  return {
    name: identity.commonName ?? describeName(identity.subject),
    steps: [
      ...about,
      passed('certificate', `${describeName(identity.subject)}, serial ${identity.serialNumber}`),
      ...others.flatMap((other) =>
        isCertificate(other) ? [] : [failedWith('certificate', { ...dataOf(other), source: 'after it' })],
      ),
      ...(areIgnored ? [noted('certificate', ignored)] : []),
      dates,
      authorities.step,
      chain,
      path,
      ...describeOtherPaths(inspection).map((other) => noted('path', other)),
      ...crls.steps,
      revocation,
      ...Object.values(more),
      ...noteNames(identity),
      ...(rule === undefined ? [] : [askRule(rule, identity, inspection.policies)]),
    ],
    refusal,
    isRevokedItself: inspection.status?.status === 'revoked' && inspection.status.certificate === certificate,
  };
}

const ignored =
  "a server with partialChain: 'allow' ignores the certificates after it: add those that it needs to --ca";

function unreadable(name: string, fault: MtlsError | undefined, steps: readonly Step[]): Examination {
  const { seen, remedy } = fault ?? { seen: '', remedy: undefined };
  const step = failed('certificate', seen, remedy ?? 'issue it again');
  return {
    name,
    steps: [...steps, step],
    refusal: refuse('identity-invalid', seen, { remedy }),
    isRevokedItself: false,
  };
}

/** As many certificates as the gate considers. */
function readCertificates(ders: readonly Buffer[]): (Certificate | MtlsError)[] {
  return ders.slice(0, 1 + maxOthers).map((der) => {
    try {
      return parseCertificate(der);
    } catch (error) {
      if (error instanceof MtlsError) return error;
      throw error;
    }
  });
}

function isCertificate(read: Certificate | MtlsError | undefined): read is Certificate {
  return read !== undefined && !(read instanceof MtlsError);
}
