/**
 * Rules: what a client must be, field by field. They are checked and compiled when the application starts, so that a
 * mistake surfaces then and not at a request.
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
 * A rule as a function. Only `true` allows the request: every other result forbids it, and so does an exception.
 * @param identity - The identity of the client.
 * @param req - The request.
 * @example
 * ```ts
 * const isOwner: ClientRuleFunction<Request> = ({ commonName }, req) => commonName === req.params['owner'];
 * app.put('/files/:owner', requireClient(isOwner), handler);
 * ```
 */
export type ClientRuleFunction<Request extends IncomingMessage = IncomingMessage> = (
  identity: ClientIdentity,
  req: Request,
) => boolean | Promise<boolean>;

/**
 * A rule for `requireClient()`: fields, or a function.
 * @example
 * ```ts
 * app.use('/admin', requireClient({ organizationalUnit: 'operators', issuer: 'CN=Staff CA,O=Example,C=DE' }));
 * ```
 */
export type ClientRule<Request extends IncomingMessage = IncomingMessage> =
  ClientRuleFields | ClientRuleFunction<Request>;

const fields = Object.keys(matcherKinds) as (keyof ClientRuleFields)[];

/**
 * Compiles a rule.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID` for a rule without fields, an unknown field, an empty list, an empty
 *   string, and a RegExp that is not anchored at both ends or could take forever.
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
      remedy: 'omit it if that is intended',
    });
  const matchers = names.map(
    (name) => [name, compileField(name, rule[name as keyof ClientRuleFields])] as const,
  );
  // Every request of a connection has the same identity object, and it never changes.
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

/** Whether every field matches. One mismatch decides, even if other fields cannot be read. */
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
