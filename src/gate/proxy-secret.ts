/**
 * The shared secret that a proxy sends in a header of each request.
 *
 * @module
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { secretHeader } from '../forwarded/forwarded-header.js';
import { type ClientIdentity } from '../identity/client-identity.js';
import { type Refusal, refuse } from '../judgement/refusal.js';
import { type ProxyConnection } from './forwarded-connection.js';

/**
 * Finds the secret that was sent with a request.
 * @param secrets - The SHA-256 of each secret in force.
 * @returns The SHA-256 of that secret; `undefined` if the header is missing, repeated, or has another value.
 */
export function secretAmong(rawHeaders: readonly string[], secrets: readonly Buffer[]): Buffer | undefined {
  const value = valueOf(rawHeaders, secretHeader);
  if (value === undefined) return undefined;
  const hash = createHash('sha256').update(value, 'latin1').digest();
  let sent: Buffer | undefined;
  // Compares in constant time: hashes are compared, and always with every secret.
  for (const secret of secrets) if (timingSafeEqual(hash, secret)) sent = secret;
  return sent;
}

/** The value of a header; `undefined` if the header is missing or repeated. */
function valueOf(rawHeaders: readonly string[], name: string): string | undefined {
  let value: string | undefined;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const seen = rawHeaders[index] as string;
    if (seen.length !== name.length || seen.toLowerCase() !== name) continue;
    if (value !== undefined) return undefined;
    value = rawHeaders[index + 1];
  }
  return value;
}

const secretRemoved = refuse('not-a-proxy', 'the secret that the proxy sent was removed');

/** A proxy's connection, for one request that was sent with a secret. It is refused when that secret is removed. */
export class SecretBearer implements ProxyConnection {
  readonly #keeper: { readonly proxySecrets: readonly Buffer[] };
  readonly #connection: ProxyConnection;
  readonly #secret: Buffer;
  #inForce: readonly Buffer[];

  /** @param secret - One of `keeper.proxySecrets`. */
  constructor(
    keeper: { readonly proxySecrets: readonly Buffer[] },
    connection: ProxyConnection,
    secret: Buffer,
  ) {
    this.#keeper = keeper;
    this.#connection = connection;
    this.#secret = secret;
    this.#inForce = keeper.proxySecrets;
  }

  /** The identity of the connection's own certificate, if it has one. */
  get reported(): ClientIdentity | undefined {
    return this.#connection.reported;
  }

  /** Why the proxy is refused: its connection, or its secret. */
  checkAt(now: number): Refusal | undefined {
    return this.#connection.checkAt(now) ?? (this.#isInForce() ? undefined : secretRemoved);
  }

  #isInForce(): boolean {
    const { proxySecrets } = this.#keeper;
    // The list is replaced when one of them changes.
    if (proxySecrets === this.#inForce) return true;
    if (!proxySecrets.some((secret) => secret.equals(this.#secret))) return false;
    this.#inForce = proxySecrets;
    return true;
  }
}
