/**
 * What a rule is called, and which part of it refuses a client: for the log and
 * for explain(). Functions of the user's own are named, never called for this.
 *
 * @module
 */
import type { IncomingMessage } from 'node:http';
import { type ClientIdentity } from '../identity/client-identity.js';

/**
 * What a rule comes to. `undefined`: it cannot be told, so that neither the rule nor its opposite grants. That is the
 * answer about names that cannot be read, and of a function that returns something else than a boolean.
 */
export type Verdict = boolean | undefined;

/** Asks a rule. A promise, where it answers later. */
export type Judgement<Request extends IncomingMessage> = (
  identity: ClientIdentity,
  req: Request,
) => Verdict | Promise<Verdict>;

/** What can be said of a rule and a client without asking anybody. */
export interface RuleFinding {
  /** `undefined`: a function of the user's own decides; of a part, also that names in it cannot be read. */
  readonly grants: boolean | undefined;
  /** The parts that refuse, or may: `['organizationalUnit']`, `['allOf[1].commonName']`, `['function isAdmin']`. */
  readonly refusedBy: readonly string[];
}

/** What a compiled rule says of itself. */
export interface RuleAccount {
  /** `{ commonName: "client1" }`, `anyOf({ … }, function isAdmin)`: at most 200 characters. */
  readonly text: string;
  readonly findingOn: (identity: ClientIdentity) => RuleFinding;
  /** Whether a function of the user's own is asked. */
  readonly asksFunction: boolean;
}

const accounts = new WeakMap<object, RuleAccount>();

const longestText = 200;

/** Gives a compiled rule its account. */
function giveAccount<Rule extends object>(rule: Rule, account: RuleAccount): Rule {
  const { text } = account;
  const short = text.length <= longestText ? text : `${text.slice(0, longestText - 1)}…`;
  accounts.set(rule, { ...account, text: short });
  return rule;
}

/** The account of a rule; of a function that was not compiled here, its name. */
export function accountOf(rule: (...args: never[]) => unknown): RuleAccount {
  const known = accounts.get(rule);
  if (known !== undefined) return known;
  const text = rule.name === '' ? 'a function without a name' : `function ${rule.name}`;
  return { text, findingOn: () => ({ grants: undefined, refusedBy: [text] }), asksFunction: true };
}

/** The finding of a rule made of rules: one of them that says `decisive` decides. */
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
    // Where one has refused for certain, what others might have said is beside the point.
    granted === false || grants === undefined ? refusedBy.map((part) => `${name}[${index}].${part}`) : [],
  );
  return { grants, refusedBy: grants === true ? [] : refusing };
}

const judgements = new WeakMap<object, unknown>();

/** Makes a rule of a judgement: it grants where that says `true`. */
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

/** The judgement behind a rule; of a function that was not compiled here, itself. */
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
// An app has some tens of rules. One that makes them at every request must not fill the memory with them.
const mostGuards = 1000;

/** Remembers that a rule guards a route. Where no function is asked, what cannot be told there is a refusal. */
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

/** The rules that guard routes in this process, each text once. */
export function guardsInForce(): readonly RuleAccount[] {
  return [...guards.values()];
}
