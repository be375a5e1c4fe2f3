/**
 * The text of a rule, and which part of it forbids a request, for the log and for explain(). User functions appear by
 * name and are never called here.
 *
 * @module
 */
import type { IncomingMessage } from 'node:http';
import { type ClientIdentity } from '../identity/client-identity.js';

/**
 * The result of a rule. `undefined` means undecidable, so that neither the rule nor its inverse allows the request:
 * the names cannot be read, or a function returned something other than a boolean.
 */
export type Verdict = boolean | undefined;

/** Asks a rule. The result of an asynchronous rule is a promise. */
export type Judgement<Request extends IncomingMessage> = (
  identity: ClientIdentity,
  req: Request,
) => Verdict | Promise<Verdict>;

/** What is known about a rule and a client without calling user functions. */
export interface RuleFinding {
  /** `undefined`: a user function decides. For a part of a rule, also: the names in it cannot be read. */
  readonly grants: boolean | undefined;
  /**
   * The parts that forbid the request, or may: `['organizationalUnit']`, `['allOf[1].commonName']`, `['function
   * isAdmin']`.
   */
  readonly refusedBy: readonly string[];
}

/** A compiled rule, described. */
export interface RuleAccount {
  /** `{ commonName: "client1" }`, `anyOf({ … }, function isAdmin)`: at most 200 characters. */
  readonly text: string;
  readonly findingOn: (identity: ClientIdentity) => RuleFinding;
  /** Whether the rule calls a user function. */
  readonly asksFunction: boolean;
}

const accounts = new WeakMap<object, RuleAccount>();

const longestText = 200;

/** Attaches the account to a compiled rule. */
function giveAccount<Rule extends object>(rule: Rule, account: RuleAccount): Rule {
  const { text } = account;
  const short = text.length <= longestText ? text : `${text.slice(0, longestText - 1)}…`;
  accounts.set(rule, { ...account, text: short });
  return rule;
}

/** The account of a compiled rule. For any other function it is the name. */
export function accountOf(rule: (...args: never[]) => unknown): RuleAccount {
  const known = accounts.get(rule);
  if (known !== undefined) return known;
  const text = rule.name === '' ? 'a function without a name' : `function ${rule.name}`;
  return { text, findingOn: () => ({ grants: undefined, refusedBy: [text] }), asksFunction: true };
}

/** The finding of a combined rule. One finding equal to `decisive` decides. */
export function combineFindings(
  name: string,
  findings: readonly RuleFinding[],
  decisive: boolean,
): RuleFinding {
  const grants = findings.some((finding) => finding.grants === decisive)
    ? decisive
    : findings.some((finding) => finding.grants === undefined)
      ? undefined
      : !decisive;
  const refusing = findings.flatMap(({ grants: granted, refusedBy }, index) =>
    // Once one part has certainly forbidden the request, undecided parts do not matter.
    granted === false || grants === undefined ? refusedBy.map((part) => `${name}[${index}].${part}`) : [],
  );
  return { grants, refusedBy: grants === true ? [] : refusing };
}

const judgements = new WeakMap<object, unknown>();

/** Makes a rule of a judgement. It allows a request only if the judgement is `true`. */
export function ruleOf<Request extends IncomingMessage>(
  judgement: Judgement<Request>,
  account: RuleAccount,
): (identity: ClientIdentity, req: Request) => boolean | Promise<boolean> {
  const rule = (identity: ClientIdentity, req: Request): boolean | Promise<boolean> => {
    const verdict = judgement(identity, req);
    return typeof verdict === 'object' ? verdict.then((settled) => settled === true) : verdict === true;
  };
  judgements.set(rule, judgement);
  return giveAccount(rule, account);
}

/** The judgement of a compiled rule. For any other function it is derived from the result. */
export function judgementOf<Request extends IncomingMessage>(
  rule: (identity: ClientIdentity, req: Request) => unknown,
): Judgement<Request> {
  const known = judgements.get(rule) as Judgement<Request> | undefined;
  if (known !== undefined) return known;
  return (identity, req) => {
    const answer = rule(identity, req);
    if (typeof answer === 'boolean') return answer;
    return Promise.resolve(answer).then((settled) => (typeof settled === 'boolean' ? settled : undefined));
  };
}

const guards = new Map<string, RuleAccount>();
// An application has tens of rules. Rules that are made at each request must not fill the memory.
const mostGuards = 1000;

/**
 * Remembers that a rule guards a route. If the rule calls no function, an undecided result there forbids the request.
 */
export function rememberGuard(account: RuleAccount): void {
  const { text, findingOn, asksFunction } = account;
  const settle = ({ grants, refusedBy }: RuleFinding): RuleFinding => ({
    grants: grants === true,
    refusedBy,
  });
  const settled = (identity: ClientIdentity): RuleFinding => settle(findingOn(identity));
  if (guards.size < mostGuards)
    guards.set(text, { ...account, findingOn: asksFunction ? findingOn : settled });
}

/** The rules that guard routes in this process. Rules with the same text appear once. */
export function guardsInForce(): readonly RuleAccount[] {
  return [...guards.values()];
}
