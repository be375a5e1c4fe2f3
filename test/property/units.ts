/**
 * The units of sources: each has files, changes that can be written to them, and what must be in force afterwards.
 *
 * @module
 */
import { rmSync } from 'node:fs';
import fc from 'fast-check';
import { type Certificate, type CertificateAuthority, ca } from '../support/chain.js';
import { publish } from '../support/server.js';

const foreign = ca('foreign');
const leaf = foreign.client();

/** Sources that come into force independently of all others. */
export interface Unit<Change> {
  /** Whether the last change was a fault. */
  readonly hasFault: boolean;
  write(change: Change): void;
}

/** One change to one unit of a world. */
export interface Step<World> {
  /** For the report of a failure. */
  readonly what: string;
  readonly take: (world: World) => void;
}

/** Changes to one unit. */
export function stepsOn<World, Change>(
  name: string,
  changes: fc.Arbitrary<Change>,
  unitOf: (world: World) => Unit<Change>,
): fc.Arbitrary<Step<World>> {
  return changes.map((change) => ({
    what: `${name}: ${JSON.stringify(change)}`,
    take: (world) => {
      unitOf(world).write(change);
    },
  }));
}

/** A sequence of changes. */
export function sequences<World>(steps: readonly fc.Arbitrary<Step<World>>[]): fc.Arbitrary<Step<World>[]> {
  return fc.array(fc.oneof(...steps), { minLength: 1, maxLength: 15 });
}

function content<Value, Fault extends string>(
  values: fc.Arbitrary<Value>,
  ...faults: readonly Fault[]
): fc.Arbitrary<Value | Fault> {
  return fc.oneof(values, fc.constantFrom(...faults));
}

/** The number of a pair, or a fault. */
export type PairChange = number | 'no key' | 'garbled' | 'mismatch' | 'expired';
export const pairChanges: fc.Arbitrary<PairChange> = content(
  fc.nat(3),
  'no key',
  'garbled',
  'mismatch',
  'expired',
);

/** A key and its certificate. */
export class PairUnit implements Unit<PairChange> {
  inForce: Certificate;
  hasFault = false;
  readonly #files: { readonly key: string; readonly cert: string };
  readonly #pairs: readonly Certificate[];
  readonly #expired: Certificate;

  /** @param pairs - Four; the first is in force. */
  constructor(files: { key: string; cert: string }, pairs: readonly Certificate[], expired: Certificate) {
    this.#files = files;
    this.#pairs = pairs;
    this.#expired = expired;
    this.inForce = pairs[0] as Certificate;
  }

  write(change: PairChange): void {
    const [one, other] = this.#pairs as [Certificate, Certificate];
    this.hasFault = typeof change !== 'number';
    if (typeof change === 'number') {
      this.inForce = this.#pairs[change] as Certificate;
      this.#put(this.inForce.keyPem, this.inForce.pem);
    } else if (change === 'no key') this.#put(undefined, one.pem);
    else if (change === 'garbled') this.#put(one.keyPem, 'garbled');
    else if (change === 'mismatch') this.#put(one.keyPem, other.pem);
    else this.#put(this.#expired.keyPem, this.#expired.pem);
  }

  #put(keyPem: string | undefined, certPem: string): void {
    const { key, cert } = this.#files;
    rmSync(key, { force: true });
    if (keyPem !== undefined) publish(key, keyPem);
    publish(cert, certPem);
  }
}

/** The clients that the CRL revokes, by number, or a fault. */
export type CrlChange = readonly number[] | 'missing' | 'garbled' | 'older' | 'forged';
/** For an issuer of `clients` certificates. */
export function crlChanges(clients: number): fc.Arbitrary<CrlChange> {
  return content(fc.uniqueArray(fc.nat(clients - 1)), 'missing', 'garbled', 'older', 'forged');
}

/** The CRL of one issuer, in a file of its own, whose first CRL has the number 1 and no entries. */
export class CrlUnit implements Unit<CrlChange> {
  revoked: readonly number[] = [];
  hasFault = false;
  readonly #file: string;
  readonly #issuer: CertificateAuthority;
  readonly #clients: readonly Certificate[];
  #number = 1;

  constructor(file: string, issuer: CertificateAuthority, clients: readonly Certificate[]) {
    this.#file = file;
    this.#issuer = issuer;
    this.#clients = clients;
  }

  write(change: CrlChange): void {
    this.hasFault = typeof change === 'string';
    if (typeof change !== 'string') {
      this.revoked = change;
      publish(this.#file, this.#list(++this.#number, change));
    } else if (change === 'missing') rmSync(this.#file, { force: true });
    else if (change === 'garbled') publish(this.#file, 'garbled');
    else if (change === 'older') publish(this.#file, this.#list(0, []));
    else {
      const { pem } = this.#issuer.crl({ number: this.#number + 1, signWith: leaf.privateKey });
      publish(this.#file, pem);
    }
  }

  #list(number: number, revoked: readonly number[]): string {
    return this.#issuer.crl({ number, revoked: revoked.map((which) => this.#clients[which] as Certificate) })
      .pem;
  }
}

/** What is written to which of the two files. */
export interface CasChange {
  readonly of: 0 | 1;
  readonly content: 'own' | 'own and extra' | 'missing' | 'garbled' | 'leaf';
}
export const casChanges: fc.Arbitrary<CasChange> = fc.record({
  of: fc.constantFrom<0 | 1>(0, 1),
  content: content(
    fc.constantFrom('own' as const, 'own and extra' as const),
    'missing' as const,
    'garbled' as const,
    'leaf' as const,
  ),
});

/** Two files of CAs: each has a CA of its own, and sometimes an extra one. */
export class CasUnit implements Unit<CasChange> {
  readonly extra: CertificateAuthority = ca('extra');
  /** Whether the extra CA is in force. */
  hasExtra = false;
  readonly #files: readonly [string, string];
  readonly #own: readonly [CertificateAuthority, CertificateAuthority];
  readonly #faults: [boolean, boolean] = [false, false];
  /** Whether a file had the extra CA when it last read whole. */
  readonly #given: [boolean, boolean] = [false, false];

  constructor(files: readonly [string, string], own: readonly [CertificateAuthority, CertificateAuthority]) {
    this.#files = files;
    this.#own = own;
  }

  get hasFault(): boolean {
    return this.#faults.includes(true);
  }

  write({ of, content: what }: CasChange): void {
    const [file, own] = [this.#files[of], this.#own[of].pem];
    if (what === 'missing') rmSync(file, { force: true });
    else if (what === 'garbled') publish(file, what);
    else if (what === 'leaf') publish(file, own + leaf.pem);
    else publish(file, own + (what === 'own' ? '' : this.extra.pem));
    this.#faults[of] = !what.startsWith('own');
    if (!this.#faults[of]) this.#given[of] = what !== 'own';
    // A removed CA takes effect at once, an added one when every file reads.
    this.hasExtra = this.#given.includes(true) && (this.hasExtra || !this.hasFault);
  }
}

/** The number of a secret, or a fault. */
export type SecretChange = number | 'missing' | 'short' | 'garbled';
export const secretChanges: fc.Arbitrary<SecretChange> = content(fc.nat(3), 'missing', 'short', 'garbled');

/** The secrets that a proxy may have. */
export const secrets: readonly string[] = ['a', 'b', 'c', 'd'].map((letter) => letter.repeat(40));

/** One file with a secret. */
export class SecretUnit implements Unit<SecretChange> {
  inForce: string;
  hasFault = false;
  readonly #file: string;

  /** @param first - The secret that is in the file already. */
  constructor(file: string, first: string) {
    this.#file = file;
    this.inForce = first;
  }

  write(change: SecretChange): void {
    this.hasFault = typeof change !== 'number';
    if (typeof change === 'number') {
      this.inForce = secrets[change] as string;
      publish(this.#file, this.inForce);
    } else if (change === 'missing') rmSync(this.#file, { force: true });
    else publish(this.#file, change === 'short' ? 'short' : `${'x'.repeat(40)} \u0000`);
  }
}
