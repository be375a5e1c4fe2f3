/**
 * What a rule is called, and which part of it refuses a client: for the log and
 * for explain(). Functions of the user's own are named, never called for this.
 *
 * @module
 */
import { type ClientIdentity } from '../identity/client-identity.js';

/** What can be said of a rule and a client without asking anybody. */
export interface RuleFinding {
  /** `undefined`: a function of the user's own decides. */
  readonly grants: boolean | undefined;
  /** The parts that refuse, or may: `['organizationalUnit']`, `['allOf[1].commonName']`, `['function isAdmin']`. */
  readonly refusedBy: readonly string[];
}

/** What a compiled rule says of itself. */
export interface RuleAccount {
  /** `{ commonName: "client1" }`, `anyOf({ … }, function isAdmin)`: at most 200 characters. */
  readonly text: string;
  readonly findingOn: (identity: ClientIdentity) => RuleFinding;
}

const accounts = new WeakMap<object, RuleAccount>();

const longestText = 200;

/** Gives a compiled rule its account. */
export function giveAccount<Rule extends object>(rule: Rule, { text, findingOn }: RuleAccount): Rule {
  const short = text.length <= longestText ? text : `${text.slice(0, longestText - 1)}…`;
  accounts.set(rule, { text: short, findingOn });
  return rule;
}

/** The account of a rule; of a function that was not compiled here, its name. */
export function accountOf(rule: (...args: never[]) => unknown): RuleAccount {
  const known = accounts.get(rule);
  if (known !== undefined) return known;
  const text = rule.name === '' ? 'a function without a name' : `function ${rule.name}`;
  return { text, findingOn: () => ({ grants: undefined, refusedBy: [text] }) };
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

const guards = new Map<string, RuleAccount>();
// An app has some tens of rules. One that makes them at every request must not fill the memory with them.
const mostGuards = 1000;

/** Remembers that a rule guards a route. */
export function rememberGuard(account: RuleAccount): void {
  if (guards.size < mostGuards) guards.set(account.text, account);
}

/** The rules that guard routes in this process, each text once. */
export function guardsInForce(): readonly RuleAccount[] {
  return [...guards.values()];
}
