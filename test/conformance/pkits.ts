/**
 * NIST's Public Key Interoperability Test Suite. The data is published by NIST and
 * is no part of this package; PKITS_DIR says where it is: `cases.json`,
 * `paths.json`, `certs/NAME.crt` and `crls/NAME.crl`.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import { testWith } from '../support/requirements.js';
import type { PolicyInputOptions } from '../../src/judgement/certificate-policy.js';

export interface Case {
  /** `'4.14.3'`. */
  readonly number: string;
  readonly title: string;
  /** From the trust anchor to the end entity. */
  readonly certificates: readonly string[];
  readonly crls: readonly string[];
  readonly valid: boolean;
  /** The inputs of RFC 5280 section 6.1.1 that are not the defaults. */
  readonly inputs?: PolicyInputOptions;
}

const directory = process.env['PKITS_DIR'] ?? '';
const missing =
  'there is no PKITS: set PKITS_DIR to a folder with NIST’s Public Key Interoperability Test Suite; NIST publishes it at https://csrc.nist.gov/projects/pki-testing';

/** Defines tests on the suite, where it is there. */
export function withPkits(define: () => void): void {
  testWith(directory !== '', missing)('PKITS is there', () => {
    expect(directory).not.toBe('');
  });
  if (directory !== '') define();
}

/** The cases of a file: `'paths.json'`. */
export function readCases(name: string): readonly Case[] {
  return JSON.parse(readFileSync(join(directory, name), 'utf8')) as Case[];
}

/** The certificates and CRLs of a case, DER. */
export function readMaterial({ certificates, crls }: Case): { certificates: Buffer[]; crls: Buffer[] } {
  return {
    certificates: certificates.map((name) => readFileSync(join(directory, 'certs', `${name}.crt`))),
    crls: crls.map((name) => readFileSync(join(directory, 'crls', `${name}.crl`))),
  };
}
