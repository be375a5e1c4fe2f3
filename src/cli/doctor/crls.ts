/**
 * The CRLs given to the doctor, and which of them a server would accept.
 *
 * @module
 */
import { MtlsError } from '../../errors.js';
import { describeName } from '../../judgement/refusal.js';
import { loadRevocationOf } from '../../material/trust-material.js';
import { type RevocationChecker } from '../../revocation/revocation-checker.js';
import { type CompleteRevocationPolicy } from '../../revocation/revocation-policy.js';
import { checkCrlDates, describeCrl, type VerifiedCrl } from '../../revocation/verified-crl.js';
import { type CertificateStore } from '../../x509/certificate-store.js';
import { describeDate } from '../time.js';
import { type Inputs, inTermsOfTheCommand } from './inputs.js';
import { failedWith, noted, passed, skipped, type Step } from './step.js';

/** The CRLs, and the findings about each. */
export interface ReadCrls {
  /** `undefined` if a server would have no CRLs. */
  readonly checker: RevocationChecker | undefined;
  readonly steps: readonly Step[];
}

/**
 * Reads the CRLs and verifies them with the CAs.
 * @throws MtlsError for an unreadable file.
 */
export async function readCrls(
  { crl, cas }: Inputs,
  store: CertificateStore,
  policy: CompleteRevocationPolicy,
  at: Date,
): Promise<ReadCrls> {
  if (crl === undefined)
    return {
      checker: undefined,
      steps: [skipped('crl', 'no --crl was given: a server without one never refuses a revoked certificate')],
    };
  if (cas === undefined)
    return {
      checker: undefined,
      steps: [skipped('crl', 'no --ca was given, which is needed to verify CRLs')],
    };
  const { signal } = new AbortController();
  const ca = cas.map(({ origin }) => origin);
  const { checker, setAside } = await loadRevocationOf(store, crl, { ca, policy, at, signal }).catch(
    (error: unknown) => {
      throw error instanceof MtlsError ? inTermsOfTheCommand(error) : error;
    },
  );
  return {
    checker,
    steps: [
      ...checker.crls.map((verified) => stepFor(verified, policy, at)),
      ...setAside.map(({ error }) => failedWith('crl', error)),
      ...notInForce(crl, checker, setAside),
      ...checker
        .uncoveredCas(at)
        .map(({ subject }) =>
          noted(
            'crl',
            `${describeName(subject)} has no CRL: a server refuses every certificate that this CA issued`,
          ),
        ),
    ],
  };
}

function stepFor({ crl, signer, origin }: VerifiedCrl, policy: CompleteRevocationPolicy, at: Date): Step {
  const isDelta = crl.deltaBase !== undefined;
  try {
    checkCrlDates({ crl, origin }, policy, at);
  } catch (error) {
    if (!(error instanceof MtlsError)) throw error;
    if (!isDelta || error.code !== 'ERR_MTLS_CRL_EXPIRED') return failedWith('crl', error);
    const seen = `${origin}: the ${describeCrl(crl)} has expired`;
    return noted(
      'crl',
      `${seen}: its entries stay revoked, and its base decides about all others; publish a newer delta`,
    );
  }
  const { issuer, number, nextUpdate, entryCount } = crl;
  const kind = isDelta ? 'delta CRL' : 'CRL';
  const what = number === undefined ? `a ${kind}` : `${kind} number ${number}`;
  const next =
    nextUpdate === undefined
      ? 'without a nextUpdate'
      : `current until ${describeDate(nextUpdate, at.getTime())}`;
  const who = signer.subject.equals(issuer) ? '' : ` by ${describeName(signer.subject)}`;
  return passed(
    'crl',
    `${origin}: ${what} of ${describeName(issuer)}, signature verified${who}, ${next}, ${entryCount} revoked`,
  );
}

/** Files that are not used because another one has newer CRLs. */
function notInForce(
  paths: readonly string[],
  { crls }: RevocationChecker,
  setAside: readonly { readonly origin: string }[],
): Step[] {
  const origins = [...crls, ...setAside].map(({ origin }) => origin);
  return paths
    .filter((path) => !origins.some((origin) => origin.startsWith(path)))
    .map((path) => noted('crl', `${path}: not used, because a newer CRL of the same CA was given`));
}
