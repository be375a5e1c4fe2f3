/**
 * Which RegExps may stand in a rule: those that match a name whole, and do so in
 * bounded time whatever a client has had written into its certificate.
 *
 * @module
 */
import { MtlsError } from '../errors.js';

const longestText = 512;
// Of the ways in which a RegExp can match, as a power of two: two repetitions without bound, and a few choices.
const mostChoices = 20;

/** Whether a text matches. One of more than 512 characters matches nothing. */
export function matchesWhole(expression: RegExp, text: string): boolean {
  return text.length <= longestText && expression.test(text);
}

/**
 * Refuses a RegExp that matches parts of a name (`/client1/` would admit "not-client1" as well), remembers, or can
 * be made to backtrack without end.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID` saying what is wrong with it and how to write it instead.
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
      'has the flag g, m, y or v, which makes it match parts, remember, or hide alternatives in classes',
      'leave the flag out',
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
      'could take for ever on a name made for it',
      'repeat no group that holds repetitions or alternatives, refer back to none, and repeat at most twice without a bound, or give a function',
    ];
  return undefined;
}

/** A group that is open: how many alternatives it has, and how many choices lie in it, as a power of two. */
interface Group {
  alternatives: number;
  choices: number;
}

/**
 * An upper bound on the ways in which a RegExp can match, as a power of two, and what stands outside every group.
 * A way is a choice at each alternative and each repetition; what is repeated is chosen anew each time.
 */
function measure(source: string): { alternatives: string[]; choices: number; refersBack: boolean } {
  const alternatives: string[] = [];
  let alternative = '';
  const whole: Group = { alternatives: 1, choices: 0 };
  const open = [whole];
  let refersBack = false;
  // Of what was read last and may yet be repeated. Of the end it is nothing, or the expression is not anchored.
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

/** The source in units: an escape, a class, a group's opening, a quantifier, or one character. */
function unitsOf(source: string): readonly string[] {
  const units = /\\.|\[(?:\\.|[^\]\\])*\]|\(\?(?:<?[=!]|:|<[^>]*>)|(?:[*+?]|\{\d+(?:,\d*)?\})\??|./gs;
  return Array.from(source.matchAll(units), ([unit]) => unit);
}

/** How often a quantifier repeats; `undefined` for what is none. */
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
