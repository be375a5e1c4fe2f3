/**
 * Content negotiation between HTML and JSON (RFC 9110 section 12.5.1).
 *
 * @module
 */

/** Whether `text/html` is accepted by name, with at least the weight of `application/json`. */
export function prefersHtml(accept: string | undefined): boolean {
  const page = weightOf('text/html', accept);
  return page > 0 && page >= weightOf('application/json', accept);
}

function weightOf(type: string, accept = ''): number {
  for (const range of accept.split(',')) {
    const [name = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    if (name !== type) continue;
    const weight = parameters.find((parameter) => parameter.startsWith('q='));
    // An invalid weight counts as 0.
    return weight === undefined ? 1 : Number(weight.slice(2)) || 0;
  }
  return 0;
}
