/**
 * The result of `requireClient()` with a rule, and which part of the rule forbids the request.
 *
 * @module
 */
import { MtlsError } from '../../errors.js';
import { type CertificateIdentity, type ClientIdentity } from '../../identity/client-identity.js';
import { type ClientRule, type ClientRuleFunction, compileRule } from '../../policy/client-rule.js';
import { matcherKinds } from '../../policy/matchers.js';
import { accountOf } from '../../policy/rule-account.js';
import { type ClientRuleFields } from '../../policy/rule-fields.js';
import { failed, passed, type Step } from './step.js';

/**
 * Parses a rule from JSON, which cannot express a RegExp.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID`.
 */
export function parseRule(json: string): ClientRuleFunction {
  let rule: unknown;
  try {
    rule = JSON.parse(json);
  } catch {
    throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
      seen: 'the rule is not JSON',
      remedy: 'write it as \'{"commonName":"client1"}\'',
    });
  }
  return compileRule(rule as ClientRule);
}

/** Asks a rule. */
export function askRule(
  rule: ClientRuleFunction,
  certificate: CertificateIdentity,
  policies: readonly string[],
): Step {
  const identity: ClientIdentity = {
    source: 'tls',
    via: undefined,
    ...certificate,
    policies,
    resumed: false,
  };
  const { text, findingOn } = accountOf(rule);
  const { grants, refusedBy } = findingOn(identity);
  if (grants === true) return passed('rule', `requireClient(${text}) allows the client`);
  const seen = refusedBy.map((field) => `${field} is ${valueOf(field, identity)}`).join(', ');
  return failed(
    'rule',
    `requireClient(${text}) answers 403: ${seen}`,
    'add this client to the rule, or issue it a certificate that the rule allows',
  );
}

const mostValues = 5;
const longestValue = 100;

function valueOf(field: string, identity: ClientIdentity): string {
  const values = matcherKinds[field as keyof ClientRuleFields].valuesOf(identity);
  if (values.length === 0) return 'not in the certificate';
  const shown = values.slice(0, mostValues).map(({ text }) => JSON.stringify(text.slice(0, longestValue)));
  return `${shown.join(' and ')}${values.length > mostValues ? ' and more' : ''}`;
}
