/**
 * Rules: what a client must be, typed field by field. Checked and compiled when
 * the app starts, so that a mistake stops the app and not a caller.
 *
 * @module
 */
import type { IncomingMessage } from 'node:http';
import { MtlsError } from '../errors.js';
import { type ClientIdentity } from '../identity/client-identity.js';
import { type Matcher, matcherKinds } from './matchers.js';
import { checkExpression, matchesWhole } from './expression.js';
import { ruleOf, type Verdict } from './rule-account.js';
import { type ClientRuleFields, type Match } from './rule-fields.js';

/**
 * A rule of one's own. Only `true` grants: whatever else it returns refuses, and so does throwing or rejecting.
 * @param identity - Who is calling.
 * @param req - What they ask for.
 */
export type ClientRuleFunction<Request extends IncomingMessage = IncomingMessage> = (
  identity: ClientIdentity,
  req: Request,
) => boolean | Promise<boolean>;

/** What `requireClient()` takes: fields, or a function. */
export type ClientRule<Request extends IncomingMessage = IncomingMessage> =
  ClientRuleFields | ClientRuleFunction<Request>;

const fields = Object.keys(matcherKinds) as (keyof ClientRuleFields)[];

/**
 * Compiles a rule.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID` for a rule without fields, an unknown field, an empty list,
 *   an empty string, and a RegExp that is not anchored at both ends or could take for ever.
 */
export function compileRule<Request extends IncomingMessage>(
  rule: ClientRule<Request>,
): ClientRuleFunction<Request> {
  if (typeof rule === 'function') return rule;
  if (typeof rule !== 'object' || (rule as unknown) === null || Array.isArray(rule)) {
    throw invalid(`a rule is ${Array.isArray(rule) ? 'an array' : typeof rule}`, {
      expected: "an object such as { commonName: 'client1' }, or a function",
    });
  }
  const names = Object.keys(rule);
  if (names.length === 0)
    throw invalid('the rule is empty and would admit every client', {
      remedy: 'leave it out if that is meant',
    });
  const matchers = names.map(
    (name) => [name, compileField(name, rule[name as keyof ClientRuleFields])] as const,
  );
  // An identity never changes, and is the same object for every request of a connection.
  const verdicts = new WeakMap<ClientIdentity, { readonly verdict: Verdict }>();
  const judge = (identity: ClientIdentity): Verdict => {
    let known = verdicts.get(identity);
    if (known === undefined) {
      known = { verdict: allHold(matchers.map(([, matches]) => matches(identity))) };
      verdicts.set(identity, known);
    }
    return known.verdict;
  };
  return ruleOf(judge, {
    text: describeFields(rule),
    findingOn: (identity) => {
      const verdicts = matchers.map(([name, matches]) => [name, matches(identity)] as const);
      const refusedBy = verdicts.filter(([, verdict]) => verdict !== true).map(([name]) => name);
      return { grants: allHold(verdicts.map(([, verdict]) => verdict)), refusedBy };
    },
    asksFunction: false,
  });
}

/** Whether every field holds. One that does not decides, whatever cannot be told of the others. */
function allHold(verdicts: readonly Verdict[]): Verdict {
  if (verdicts.includes(false)) return false;
  return verdicts.includes(undefined) ? undefined : true;
}

function describeFields(rule: ClientRuleFields): string {
  const describe = (match: Match | undefined): string => {
    if (match instanceof RegExp) return String(match);
    return Array.isArray(match) ? `[${match.map(describe).join(', ')}]` : JSON.stringify(match);
  };
  const parts = Object.entries(rule).map(([name, match]) => `${name}: ${describe(match as Match)}`);
  return `{ ${parts.join(', ')} }`;
}

function compileField(name: string, match: Match | undefined): Matcher {
  if (!Object.hasOwn(matcherKinds, name))
    throw invalid(`the rule has the unknown field "${name}"`, { remedy: `known are ${fields.join(', ')}` });
  const kind = matcherKinds[name as keyof ClientRuleFields];
  const list: readonly unknown[] = Array.isArray(match) ? match : [match];
  if (list.length === 0)
    throw invalid(`${name} is an empty list, which no client can satisfy`, {
      remedy: 'name at least one value',
    });
  const texts = new Set<string>();
  const expressions: RegExp[] = [];
  for (const item of list) {
    if (item instanceof RegExp) expressions.push(checkExpression(item, name));
    else if (typeof item === 'string' && item !== '') texts.add(kind.normalise(item, name));
    else
      throw invalid(`${name} has a value that is ${item === '' ? 'empty' : typeof item}`, {
        expected: 'a string or a RegExp',
      });
  }
  return (identity) => {
    const isMet = kind
      .valuesOf(identity)
      .some(
        ({ text, normal }) =>
          texts.has(normal) || expressions.some((expression) => matchesWhole(expression, text)),
      );
    return isMet || (kind.hasUnreadable?.(identity) === true ? undefined : false);
  };
}

function invalid(seen: string, then: { readonly expected?: string; readonly remedy?: string }): MtlsError {
  return new MtlsError('ERR_MTLS_OPTION_INVALID', { seen, ...then });
}
