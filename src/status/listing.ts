/**
 * Bounded lists and names for the report.
 *
 * @module
 */
import { abbreviate } from '../judgement/refusal.js';
import { type DistinguishedName } from '../x509/distinguished-name.js';
import { shorten } from '../x509/string.js';
import { type StatusList } from './status-material.js';

const mostListed = 100;

/** The first hundred entries, described, and the number of all. */
export function listOf<Given, Entry>(
  all: readonly Given[],
  describe: (one: Given) => Entry,
): StatusList<Entry> {
  return { total: all.length, list: all.slice(0, mostListed).map(describe) };
}

/** A name in the notation of RFC 4514, short and printable. */
export function nameOf(name: DistinguishedName): string {
  return shorten(abbreviate(name), 200);
}
