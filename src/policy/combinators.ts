/**
 * Rules made of rules.
 *
 * @module
 */
import type { IncomingMessage } from 'node:http';
import { MtlsError } from '../errors.js';
import { type ClientRule, type ClientRuleFunction, compileRule } from './client-rule.js';
import {
  accountOf,
  combineFindings,
  type Judgement,
  judgementOf,
  ruleOf,
  type Verdict,
} from './rule-account.js';

/**
 * A rule that allows a request if every given rule does. The rules are asked in order, until one forbids.
 * @param rules - At least one.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID` without rules, and for rules that `requireClient()` rejects.
 * @example
 * ```ts
 * app.get('/reports', requireClient(allOf({ organization: 'Example' }, isOnDuty)), handler);
 * ```
 */
export function allOf<Request extends IncomingMessage>(
  ...rules: ClientRule<Request>[]
): ClientRuleFunction<Request> {
  return combine(rules, 'allOf', false);
}

/**
 * A rule that allows a request if at least one given rule does. The rules are asked in order, until one allows. A
 * rule that throws before that forbids the request.
 * @param rules - At least one.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID` without rules, and for rules that `requireClient()` rejects.
 * @example
 * ```ts
 * app.get('/invoices', requireClient(anyOf({ commonName: 'client1' }, { organizationalUnit: 'billing' })), handler);
 * ```
 */
export function anyOf<Request extends IncomingMessage>(
  ...rules: ClientRule<Request>[]
): ClientRuleFunction<Request> {
  return combine(rules, 'anyOf', true);
}

/**
 * A rule that allows a request only if the given rule returns `false`. It forbids the request if that rule throws,
 * returns anything else, or depends on names that cannot be read: those in `subjectAltNames.unreadable`, and a
 * `commonName` that is `undefined` although the subject has one.
 * @param rule - The rule to invert.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID` for a rule that `requireClient()` rejects.
 * @example
 * ```ts
 * app.get('/beta', requireClient(not({ organizationalUnit: 'partners' })), handler);
 * ```
 */
export function not<Request extends IncomingMessage>(rule: ClientRule<Request>): ClientRuleFunction<Request> {
  const compiled = compileRule(rule);
  const judgement = judgementOf(compiled);
  const negate = (verdict: Verdict): Verdict => (verdict === undefined ? undefined : !verdict);
  const negated: Judgement<Request> = (identity, req) => {
    const verdict = judgement(identity, req);
    return typeof verdict === 'object' ? verdict.then(negate) : negate(verdict);
  };
  const { text, findingOn, asksFunction } = accountOf(compiled);
  return ruleOf(negated, {
    text: `not(${text})`,
    findingOn: (identity) => {
      const { grants } = findingOn(identity);
      return grants === false
        ? { grants: true, refusedBy: [] }
        : { grants: grants === undefined ? undefined : false, refusedBy: [`not(${text})`] };
    },
    asksFunction,
  });
}

/** Asks the rules in order until one answers `decisive`. Synchronous as long as the rules are. */
function combine<Request extends IncomingMessage>(
  rules: readonly ClientRule<Request>[],
  name: string,
  decisive: boolean,
): ClientRuleFunction<Request> {
  if (rules.length === 0)
    throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
      seen: `${name}() has no rules`,
      remedy: 'pass at least one',
    });
  const compiled = rules.map((rule) => compileRule(rule));
  const judgements = compiled.map((rule) => judgementOf(rule));
  const combined: Judgement<Request> = (identity, req) => {
    let isUndecided = false;
    for (const [index, judgement] of judgements.entries()) {
      const verdict = judgement(identity, req);
      if (typeof verdict === 'object') {
        const rest = [(): Promise<Verdict> => verdict, ...judgements.slice(index + 1)];
        return askRest(rest, { decisive, isUndecided }, [identity, req]);
      }
      if (verdict === decisive) return decisive;
      isUndecided ||= verdict === undefined;
    }
    return isUndecided ? undefined : !decisive;
  };
  const parts = compiled.map(accountOf);
  return ruleOf(combined, {
    text: `${name}(${parts.map(({ text }) => text).join(', ')})`,
    findingOn: (identity) =>
      combineFindings(
        name,
        parts.map(({ findingOn }) => findingOn(identity)),
        decisive,
      ),
    asksFunction: parts.some(({ asksFunction }) => asksFunction),
  });
}

async function askRest<Request extends IncomingMessage>(
  rest: readonly Judgement<Request>[],
  { decisive, isUndecided: wasUndecided }: { readonly decisive: boolean; readonly isUndecided: boolean },
  question: Parameters<Judgement<Request>>,
): Promise<Verdict> {
  let isUndecided = wasUndecided;
  for (const judgement of rest) {
    const verdict = await judgement(...question);
    if (verdict === decisive) return decisive;
    isUndecided ||= verdict === undefined;
  }
  return isUndecided ? undefined : !decisive;
}
