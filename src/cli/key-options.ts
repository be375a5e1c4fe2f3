/**
 * Which kind of key, as the commands ask for it.
 *
 * @module
 */
import { Option } from 'commander';
import type { KeyAlgorithm } from '../dev-ca/keys.js';

/** `--rsa 4096`. @param what - The kind of key that is made without it. */
export function rsaOption(what: string): Option {
  return new Option('--rsa <bits>', `an RSA key, where none is there yet (default: ${what})`).choices([
    '4096',
  ]);
}

/** What {@link rsaOption} asks for. */
export function algorithmOf(rsa: string | undefined): KeyAlgorithm {
  return rsa === undefined ? 'ec-p256' : 'rsa-4096';
}
