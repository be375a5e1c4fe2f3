/**
 * The RegExps that a rule may use: those that match a whole name, in bounded time for every certificate.
 *
 * @module
 */
import { MtlsError } from '../errors.js';

const longestText = 512;
// The number of ways in which a RegExp may match, as a power of two: two unbounded repetitions and a few choices.
const mostChoices = 20;

/** Whether a text matches. A text of more than 512 characters never matches. */
export function matchesWhole(expression: RegExp, text: string): boolean {
  return text.length <= longestText && expression.test(text);
}

/**
 * Rejects a RegExp that matches parts of a name (`/client1/` would match "not-client1" too), keeps state, or can
 * backtrack exponentially.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID` with the fault and the correct form.
 */
export function checkExpression(expression: RegExp, name: string): RegExp {
  const fault = faultOf(expression);
  if (fault === undefined) return expression;
  const [seen, remedy] = fault;
  throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
    source: name,
    seen: `${String(expression)} ${seen}`,
    remedy,
  });
}

function faultOf({ source, flags }: RegExp): readonly [seen: string, remedy: string] | undefined {
  if (/[gmyv]/.test(flags))
    return [
      'has the flag g, m, y or v, which makes it match parts of names, keep state, or hide alternatives in classes',
      'remove the flag',
    ];
  const { alternatives, choices, refersBack } = measure(source);
  const isAnchored = alternatives.every((part) => part.startsWith('^') && /[^\\](?:\\\\)*\$$/.test(part));
  if (!isAnchored)
    return [
      'is not anchored and would match parts of names',
      'write /^…$/, with alternatives as /^(?:a|b)$/',
    ];
  if (choices > mostChoices || refersBack)
    return [
      'could take forever on a name made for it',
      'do not repeat groups that contain repetitions or alternatives, use no back-references and at most two unbounded repetitions, or use a function',
    ];
  return undefined;
}

/** An open group: its number of alternatives, and the number of choices in it, as a power of two. */
interface Group {
  alternatives: number;
  choices: number;
}

/**
 * An upper bound on the number of ways in which a RegExp can match, as a power of two, and the top-level
 * alternatives. Each alternative and each repetition is a choice; a repeated group makes its choices anew each time.
 */
function measure(source: string): { alternatives: string[]; choices: number; refersBack: boolean } {
  const alternatives: string[] = [];
  let alternative = '';
  const whole: Group = { alternatives: 1, choices: 0 };
  const open = [whole];
  let refersBack = false;
  // The choices of the last unit, which a quantifier may still repeat. At the end it is 0: the expression is
  // anchored.
  let last = 0;
  for (const unit of unitsOf(source)) {
    const group = open.at(-1) ?? whole;
    if (unit === '|' && group === whole) {
      alternatives.push(alternative);
      alternative = '';
    } else alternative += unit;
    const times = timesOf(unit);
    if (times !== undefined) {
      last =
        (last === 0 ? 0 : last * times.high) +
        choicesAmong(Math.min(times.high, longestText) - times.low + 1);
      continue;
    }
    group.choices += last;
    last = 0;
    if (unit === '|') group.alternatives++;
    else if (unit.startsWith('(')) open.push({ alternatives: 1, choices: 0 });
    else if (unit === ')') {
      open.pop();
      last = group.choices + choicesAmong(group.alternatives);
    } else if (/^\\[1-9k]/.test(unit)) refersBack = true;
  }
  return { alternatives: [...alternatives, alternative], choices: whole.choices, refersBack };
}

function choicesAmong(count: number): number {
  return Math.log2(Math.max(count, 1));
}

/** Splits the source into units: an escape, a class, the opening of a group, a quantifier, or one character. */
function unitsOf(source: string): readonly string[] {
  const units = /\\.|\[(?:\\.|[^\]\\])*\]|\(\?(?:<?[=!]|:|<[^>]*>)|(?:[*+?]|\{\d+(?:,\d*)?\})\??|./gs;
  return Array.from(source.matchAll(units), ([unit]) => unit);
}

/** The bounds of a quantifier; `undefined` for any other unit. */
function timesOf(unit: string): { low: number; high: number } | undefined {
  if (unit.startsWith('*')) return { low: 0, high: Infinity };
  if (unit.startsWith('+')) return { low: 1, high: Infinity };
  if (unit.startsWith('?')) return { low: 0, high: 1 };
  const bounds = /^\{(\d+)(?:(,)(\d*))?\}/.exec(unit);
  if (bounds === null) return undefined;
  const [, low = '', comma, high = ''] = bounds;
  return {
    low: Number(low),
    high: comma === undefined ? Number(low) : high === '' ? Infinity : Number(high),
  };
}
