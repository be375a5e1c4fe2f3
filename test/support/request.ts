/**
 * Requests for certificates (RFC 2986), for test material.
 *
 * @module
 */
import type { KeyObject } from 'node:crypto';
import { element, integer, oid, pem, sequence, set } from './der-writer.js';
import { extendedKeyUsage, subjectAltName } from './extensions.js';
import { distinguishedName, type AltNameOptions, type NameOptions } from './names.js';
import { createSigner, generateKey, publicKeyInfo, type SigningOptions } from './signing.js';

export interface RequestOptions extends NameOptions, SigningOptions {
  /** @defaultValue a fresh one */
  readonly privateKey?: KeyObject;
  readonly sans?: AltNameOptions;
  readonly extendedKeyUsage?: readonly string[];
}

export interface RequestMaterial {
  readonly der: Buffer;
  readonly pem: string;
  readonly keyPem: string;
}

/** A request, signed by its own key. */
export function certificateRequest(options: RequestOptions): RequestMaterial {
  const privateKey = options.privateKey ?? generateKey();
  const signer = createSigner(privateKey, options);
  const extensions = [
    ...(options.sans === undefined ? [] : [subjectAltName(options.sans, false)]),
    ...(options.extendedKeyUsage === undefined ? [] : [extendedKeyUsage(options.extendedKeyUsage)]),
  ];
  const attributes =
    extensions.length === 0
      ? Buffer.alloc(0)
      : sequence(oid('1.2.840.113549.1.9.14'), set(sequence(...extensions)));
  const der = signer.signed(
    sequence(integer(0), distinguishedName(options), publicKeyInfo(privateKey), element(0xa0, attributes)),
  );
  return {
    der,
    pem: pem('CERTIFICATE REQUEST', der),
    keyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}
