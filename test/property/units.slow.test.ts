/**
 * Whatever is written to the sources, in whatever order, what is in force is the newest valid state of each unit so far,
 * and a certificate that the newest verified CRLs revoke is always revoked. `FUZZ_RUNS=1000` searches for minutes.
 *
 * @module
 */
import { rmSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { createServer, type MtlsOptions } from 'express-mtls';
import fc from 'fast-check';
import { type Certificate, type CertificateAuthority, ca } from '../support/chain.js';
import { temporaryDirectory, writeMaterial } from '../support/files.js';
import { day, fromNow } from '../support/lists.js';
import { publish } from '../support/server.js';

const numRuns = Number(process.env['FUZZ_RUNS'] ?? 25);
const timeout = Math.max(120_000, numRuns * 3000);

const [ours, partner, extra] = [ca('ours'), ca('partner'), ca('extra')] as const;
const clients = [ours, partner].map((issuer) => [1, 2, 3, 4].map(() => issuer.client()));
const pairs = [1, 2, 3, 4].map((days) => ours.server({ notAfter: fromNow((10 + days) * day) }));
const expired = ours.server({ notBefore: fromNow(-2 * day), notAfter: fromNow(-day) });
const stranger = ours.client();

type Action =
  | { readonly unit: 'pair' | 'name'; readonly pair: number }
  | { readonly unit: 'pair' | 'name'; readonly fault: 'no key' | 'garbled' | 'mismatch' | 'expired' }
  | { readonly unit: 'crl'; readonly of: 0 | 1; readonly revoked: readonly number[] }
  | { readonly unit: 'crl'; readonly of: 0 | 1; readonly fault: 'missing' | 'garbled' | 'older' | 'forged' }
  | { readonly unit: 'ca'; readonly of: 0 | 1; readonly hasExtra: boolean }
  | { readonly unit: 'ca'; readonly of: 0 | 1; readonly fault: 'missing' | 'garbled' | 'leaf' };

const index = fc.constantFrom<0 | 1>(0, 1);
const action: fc.Arbitrary<Action> = fc.oneof(
  fc.record({ unit: fc.constantFrom('pair' as const, 'name' as const), pair: fc.nat(3) }),
  fc.record({
    unit: fc.constantFrom('pair' as const, 'name' as const),
    fault: fc.constantFrom('no key' as const, 'garbled' as const, 'mismatch' as const, 'expired' as const),
  }),
  fc.record({ unit: fc.constant('crl' as const), of: index, revoked: fc.uniqueArray(fc.nat(3)) }),
  fc.record({
    unit: fc.constant('crl' as const),
    of: index,
    fault: fc.constantFrom('missing' as const, 'garbled' as const, 'older' as const, 'forged' as const),
  }),
  fc.record({ unit: fc.constant('ca' as const), of: index, hasExtra: fc.boolean() }),
  fc.record({
    unit: fc.constant('ca' as const),
    of: index,
    fault: fc.constantFrom('missing' as const, 'garbled' as const, 'leaf' as const),
  }),
);

/** The files, and what is to be in force. */
class World {
  readonly files = writeMaterial(temporaryDirectory(), {
    key: pairs[0]?.keyPem ?? '',
    cert: pairs[0]?.pem ?? '',
    nameKey: pairs[0]?.keyPem ?? '',
    nameCert: pairs[0]?.pem ?? '',
    ca0: ours.pem,
    ca1: partner.pem,
    crl0: ours.crl({ number: 1 }).pem,
    crl1: partner.crl({ number: 1 }).pem,
  });
  readonly pair = { pair: pairs[0], name: pairs[0] };
  readonly revoked: [readonly number[], readonly number[]] = [[], []];
  readonly faults = new Set<string>();
  hasExtra = false;
  #number = 1;
  /** What each file of CAs gave when it last read whole. */
  readonly #given: [boolean, boolean] = [false, false];

  get options(): MtlsOptions {
    const { key, cert, nameKey, nameCert, ca0, ca1, crl0, crl1 } = this.files;
    return {
      key,
      cert,
      ca: [ca0, ca1],
      crl: [crl0, crl1],
      sni: { 'name.test': { key: nameKey, cert: nameCert } },
      watch: false,
    };
  }

  do(given: Action): void {
    if (given.unit === 'crl') this.#writeCrl(given);
    else if (given.unit === 'ca') this.#writeCas(given);
    else this.#writePair(given);
  }

  #writePair(given: Extract<Action, { unit: 'pair' | 'name' }>): void {
    const { unit } = given;
    const [key, cert] =
      unit === 'pair' ? [this.files.key, this.files.cert] : [this.files.nameKey, this.files.nameCert];
    const put = (keyPem: string | undefined, certPem: string): void => {
      rmSync(key, { force: true });
      if (keyPem !== undefined) publish(key, keyPem);
      publish(cert, certPem);
    };
    if ('pair' in given) {
      const pair = pairs[given.pair] as Certificate;
      put(pair.keyPem, pair.pem);
      this.pair[unit] = pair;
      this.faults.delete(unit);
      return;
    }
    const [one, other] = pairs as [Certificate, Certificate];
    if (given.fault === 'no key') put(undefined, one.pem);
    else if (given.fault === 'garbled') put(one.keyPem, 'garbled');
    else if (given.fault === 'mismatch') put(one.keyPem, other.pem);
    else put(expired.keyPem, expired.pem);
    this.faults.add(unit);
  }

  #writeCrl(given: Extract<Action, { unit: 'crl' }>): void {
    const { of } = given;
    const file = of === 0 ? this.files.crl0 : this.files.crl1;
    const issuer: CertificateAuthority = of === 0 ? ours : partner;
    const own = clients[of] as Certificate[];
    const list = (number: number, revoked: readonly number[]): string =>
      issuer.crl({ number, revoked: revoked.map((which) => own[which] as Certificate) }).pem;
    if ('revoked' in given) {
      publish(file, list(++this.#number, given.revoked));
      this.revoked[of] = given.revoked;
      this.faults.delete(`crl${of}`);
      return;
    }
    if (given.fault === 'missing') rmSync(file, { force: true });
    else if (given.fault === 'garbled') publish(file, 'garbled');
    else if (given.fault === 'older') publish(file, list(0, []));
    else publish(file, issuer.crl({ number: this.#number + 1, signWith: stranger.privateKey }).pem);
    this.faults.add(`crl${of}`);
  }

  #writeCas(given: Extract<Action, { unit: 'ca' }>): void {
    const { of } = given;
    const file = of === 0 ? this.files.ca0 : this.files.ca1;
    const own = of === 0 ? ours : partner;
    if ('hasExtra' in given) {
      publish(file, own.pem + (given.hasExtra ? extra.pem : ''));
      this.#given[of] = given.hasExtra;
      this.faults.delete(`ca${of}`);
    } else {
      if (given.fault === 'missing') rmSync(file, { force: true });
      else publish(file, given.fault === 'garbled' ? 'garbled' : own.pem + stranger.pem);
      this.faults.add(`ca${of}`);
    }
    const isThere = this.#given.includes(true);
    const isWhole = !this.faults.has('ca0') && !this.faults.has('ca1');
    // It goes at once, and comes when every source reads.
    this.hasExtra = isThere && (isWhole || this.hasExtra);
  }
}

test(
  'what is in force is the newest valid state of each unit',
  async () => {
    const property = fc.asyncProperty(fc.array(action, { minLength: 1, maxLength: 15 }), async (actions) => {
      const world = new World();
      const server = await createServer(world.options);
      const { mtls } = server;
      try {
        for (const each of actions) {
          world.do(each);
          await mtls.reload().catch(() => undefined);
          const [main, named] = mtls.certificates;
          expect([main?.notAfter, named?.notAfter]).toEqual([
            world.pair.pair?.notAfter,
            world.pair.name?.notAfter,
          ]);
          for (const which of [0, 1] as const) {
            const states = clients[which]?.map((client) => mtls.explain(client.pem).admitted);
            expect(states).toEqual([0, 1, 2, 3].map((one) => !world.revoked[which].includes(one)));
          }
          const cas = mtls.authorities.map(({ subject }) => String(subject));
          expect(cas.includes('CN=extra')).toBe(world.hasExtra);
          expect(mtls.faults.length > 0).toBe(world.faults.size > 0);
          expect(mtls.healthy).toBe(world.faults.size === 0);
        }
      } finally {
        await mtls.close();
      }
    });
    await fc.assert(property, { numRuns });
  },
  timeout,
);
