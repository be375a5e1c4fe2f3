/**
 * Rules made of rules.
 *
 * @module
 */
import type { IncomingMessage } from 'node:http';
import { MtlsError } from '../errors.js';
import { type ClientRule, type ClientRuleFunction, compileRule } from './client-rule.js';
import { accountOf, combineFindings, giveAccount } from './rule-account.js';

/**
 * A rule that holds where every one of the given does; asked in their order, until one refuses.
 * @param rules - At least one.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID` without rules, and for rules that `requireClient()` would refuse.
 */
export function allOf<Request extends IncomingMessage>(
  ...rules: ClientRule<Request>[]
): ClientRuleFunction<Request> {
  return combine(rules, 'allOf', false);
}

/**
 * A rule that holds where at least one of the given does; asked in their order, until one grants. One that
 * throws before that refuses.
 * @param rules - At least one.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID` without rules, and for rules that `requireClient()` would refuse.
 */
export function anyOf<Request extends IncomingMessage>(
  ...rules: ClientRule<Request>[]
): ClientRuleFunction<Request> {
  return combine(rules, 'anyOf', true);
}

/**
 * A rule that holds where the given one says `false`: not where it throws, and not where it returns anything else.
 * @param rule - What is turned round.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID` for a rule that `requireClient()` would refuse.
 */
export function not<Request extends IncomingMessage>(rule: ClientRule<Request>): ClientRuleFunction<Request> {
  const compiled = compileRule(rule);
  const negated: ClientRuleFunction<Request> = (identity, req) => {
    const verdict = compiled(identity, req);
    return typeof verdict === 'boolean' ? !verdict : isFalse(verdict);
  };
  const { text, findingOn } = accountOf(compiled);
  return giveAccount(negated, {
    text: `not(${text})`,
    findingOn: (identity) => {
      const { grants } = findingOn(identity);
      return grants === false
        ? { grants: true, refusedBy: [] }
        : { grants: grants === undefined ? undefined : false, refusedBy: [`not(${text})`] };
    },
  });
}

async function isFalse(pending: Promise<unknown>): Promise<boolean> {
  return (await pending) === false;
}

/** Asks the rules in turn until one of them answers `decisive`. Stays synchronous as long as they do. */
function combine<Request extends IncomingMessage>(
  rules: readonly ClientRule<Request>[],
  name: string,
  decisive: boolean,
): ClientRuleFunction<Request> {
  if (rules.length === 0)
    throw new MtlsError('ERR_MTLS_OPTION_INVALID', `${name}() has no rules; give at least one`);
  const compiled = rules.map((rule) => compileRule(rule));
  const combined: ClientRuleFunction<Request> = (identity, req) => {
    for (const [index, rule] of compiled.entries()) {
      const verdict = rule(identity, req);
      if (typeof verdict !== 'boolean')
        return askRest(verdict, compiled.slice(index + 1), decisive, [identity, req]);
      if (verdict === decisive) return decisive;
    }
    return !decisive;
  };
  const parts = compiled.map(accountOf);
  return giveAccount(combined, {
    text: `${name}(${parts.map(({ text }) => text).join(', ')})`,
    findingOn: (identity) =>
      combineFindings(
        name,
        parts.map(({ findingOn }) => findingOn(identity)),
        decisive,
      ),
  });
}

async function askRest<Request extends IncomingMessage>(
  pending: Promise<unknown>,
  rest: readonly ClientRuleFunction<Request>[],
  decisive: boolean,
  question: Parameters<ClientRuleFunction<Request>>,
): Promise<boolean> {
  if (((await pending) === true) === decisive) return decisive;
  for (const rule of rest)
    if ((((await rule(...question)) as unknown) === true) === decisive) return decisive;
  return !decisive;
}
