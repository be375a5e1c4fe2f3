/**
 * The option for the kind of key.
 *
 * @module
 */
import { Option } from 'commander';
import type { KeyAlgorithm } from '../dev-ca/keys.js';

/** `--rsa 4096`. @param what - The kind of key without this option. */
export function rsaOption(what: string): Option {
  return new Option('--rsa <bits>', `generate an RSA key (default: ${what})`).choices(['4096']);
}

/** The algorithm that {@link rsaOption} selects. */
export function algorithmOf(rsa: string | undefined): KeyAlgorithm {
  return rsa === undefined ? 'ec-p256' : 'rsa-4096';
}
