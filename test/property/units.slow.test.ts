/**
 * Whatever is written to the sources, in whatever order, what is in force is the newest valid state of each unit so far,
 * and a certificate that the newest verified CRLs revoke is always revoked. `FUZZ_RUNS=1000` searches for minutes.
 *
 * @module
 */
import type { Server } from 'node:http';
import { expect, test } from '@jest/globals';
import { createServer, identify, type Mtls, type MtlsOptions } from 'express-mtls';
import fc from 'fast-check';
import { type Certificate, ca } from '../support/chain.js';
import { temporaryDirectory, writeMaterial } from '../support/files.js';
import { day, fromNow } from '../support/lists.js';
import { escaped, TestProxy } from '../support/proxied.js';
import { listen } from '../support/server.js';
import {
  casChanges,
  CasUnit,
  crlChanges,
  CrlUnit,
  pairChanges,
  PairUnit,
  secretChanges,
  secrets,
  SecretUnit,
  sequences,
  type Step,
  stepsOn,
  type Unit,
} from './units.js';

const numRuns = Number(process.env['FUZZ_RUNS'] ?? 25);
const timeout = Math.max(400_000, numRuns * 3000);

const [ours, partner] = [ca('ours'), ca('partner')] as const;
const clients = [1, 2, 3, 4].map(() => ours.client());
const partnerClients = [1, 2, 3, 4].map(() => partner.client());
const pairs = [1, 2, 3, 4].map((days) => ours.server({ notAfter: fromNow((10 + days) * day) }));
const expired = ours.server({ notBefore: fromNow(-2 * day), notAfter: fromNow(-day) });
const [firstPair] = pairs as [Certificate];

const proxyCas = [ca('proxies'), ca('other-proxies')] as const;
const proxies = proxyCas.map((issuer) => [1, 2].map(() => issuer.client('nginx')));

const ignore = (): void => undefined;
// Without a logger, the first refusal is a warning.
const logger = { info: ignore, warn: ignore, error: ignore };

/** The units of a server. */
interface World {
  readonly options: Omit<MtlsOptions, 'key' | 'cert'> & { readonly key?: string; readonly cert?: string };
  readonly units: readonly Unit<never>[];
  /** Compares what is in force with what must be. */
  check(mtls: Mtls, server: Server): Promise<void> | void;
}

/** Whatever is written to the units of a world, in whatever order, they are in force as they must be after each step. */
async function assertUnits<Made extends World>(
  make: () => Made,
  steps: readonly fc.Arbitrary<Step<Made>>[],
): Promise<void> {
  const property = fc.asyncProperty(sequences(steps), async (sequence) => {
    const world = make();
    const server = await createServer(
      { ...world.options, logger, watch: false } as MtlsOptions,
      (req, res) => {
        res.end(identify(req)?.fingerprint256);
      },
    );
    const { mtls } = server;
    try {
      for (const { take } of sequence) {
        take(world);
        await mtls.reload().catch(() => undefined);
        await world.check(mtls, server);
        const hasFault = world.units.some((unit) => unit.hasFault);
        expect(mtls.faults.length > 0).toBe(hasFault);
        expect(mtls.healthy).toBe(!hasFault);
      }
    } finally {
      server.close();
      server.closeAllConnections();
      await mtls.close();
    }
  });
  await fc.assert(property, { numRuns });
}

/** A server with a name of `sni`, and clients of two CAs. */
class Plain implements World {
  readonly #files = writeMaterial(temporaryDirectory(), {
    key: firstPair.keyPem,
    cert: firstPair.pem,
    nameKey: firstPair.keyPem,
    nameCert: firstPair.pem,
    ca0: ours.pem,
    ca1: partner.pem,
    crl0: ours.crl({ number: 1 }).pem,
    crl1: partner.crl({ number: 1 }).pem,
  });
  readonly pair = new PairUnit(this.#files, pairs, expired);
  readonly name = new PairUnit({ key: this.#files.nameKey, cert: this.#files.nameCert }, pairs, expired);
  readonly crls = [
    new CrlUnit(this.#files.crl0, ours, clients),
    new CrlUnit(this.#files.crl1, partner, partnerClients),
  ] as const;
  readonly cas = new CasUnit([this.#files.ca0, this.#files.ca1], [ours, partner]);
  readonly units = [this.pair, this.name, ...this.crls, this.cas];

  get options(): World['options'] {
    const { key, cert, nameKey, nameCert, ca0, ca1, crl0, crl1 } = this.#files;
    const sni = { 'name.test': { key: nameKey, cert: nameCert } };
    return { key, cert, ca: [ca0, ca1], crl: [crl0, crl1], sni };
  }

  check(mtls: Mtls): void {
    expect(mtls.certificates.map(({ notAfter }) => notAfter)).toEqual([
      this.pair.inForce.notAfter,
      this.name.inForce.notAfter,
    ]);
    for (const [which, all] of [clients, partnerClients].entries()) {
      const admitted = all.map((client) => mtls.explain(client.pem).admitted);
      expect(admitted).toEqual([0, 1, 2, 3].map((one) => !this.crls[which]?.revoked.includes(one)));
    }
    const cas = mtls.authorities.map(({ subject }) => String(subject));
    expect(cas.includes('CN=extra')).toBe(this.cas.hasExtra);
  }
}

test(
  'what is in force is the newest valid state of each unit',
  async () => {
    await assertUnits(
      () => new Plain(),
      [
        stepsOn('pair', pairChanges, ({ pair }) => pair),
        stepsOn('name', pairChanges, ({ name }) => name),
        stepsOn('crl 0', crlChanges(4), ({ crls }) => crls[0]),
        stepsOn('crl 1', crlChanges(4), ({ crls }) => crls[1]),
        stepsOn('cas', casChanges, ({ cas }) => cas),
      ],
    );
  },
  timeout,
);

/** Proxies with certificates of two CAs, which forward clients of another. */
class ByCertificate implements World {
  readonly #files = writeMaterial(temporaryDirectory(), {
    key: firstPair.keyPem,
    cert: firstPair.pem,
    ca: ours.pem,
    crl: ours.crl({ number: 1 }).pem,
    ca0: proxyCas[0].pem,
    ca1: proxyCas[1].pem,
    crl0: proxyCas[0].crl({ number: 1 }).pem,
    crl1: proxyCas[1].crl({ number: 1 }).pem,
  });
  readonly pair = new PairUnit(this.#files, pairs, expired);
  readonly crl = new CrlUnit(this.#files.crl, ours, clients);
  readonly proxyCrls = [0, 1].map(
    (which) =>
      new CrlUnit(
        which === 0 ? this.#files.crl0 : this.#files.crl1,
        proxyCas[which] ?? proxyCas[0],
        proxies[which] ?? [],
      ),
  ) as [CrlUnit, CrlUnit];
  readonly proxyCas = new CasUnit([this.#files.ca0, this.#files.ca1], proxyCas);
  readonly units = [this.pair, this.crl, ...this.proxyCrls, this.proxyCas];
  readonly #extra = this.proxyCas.extra.client('nginx');

  get options(): World['options'] {
    const { key, cert, ca: own, crl, ca0, ca1, crl0, crl1 } = this.#files;
    const from = { ca: [ca0, ca1], crl: [crl0, crl1], rule: { commonName: 'nginx' } };
    // The extra CA has no CRL.
    const revocation = { unknown: 'allow' } as const;
    return { key, cert, ca: own, crl, revocation, proxies: { from, header: 'nginx' } };
  }

  async check(mtls: Mtls, server: Server): Promise<void> {
    expect(mtls.certificates.map(({ notAfter }) => notAfter)).toEqual([this.pair.inForce.notAfter]);
    const port = await portOf(server);
    const forward = async (proxy: Certificate, client: Certificate): Promise<unknown> => {
      const asked = new TestProxy({ port, ca: ours.pem, certificate: proxy });
      return (await asked.get('/', ['X-SSL-Client-Cert', escaped(client)])).status;
    };
    const [client1, client2] = clients as [Certificate, Certificate];
    const [answer1, answer2] = [0, 1].map((which) => (this.crl.revoked.includes(which) ? 401 : 200));
    for (const [which, all] of proxies.entries()) {
      for (const [index, proxy] of all.entries()) {
        const isRevoked = this.proxyCrls[which]?.revoked.includes(index);
        expect(await forward(proxy, client1)).toBe(isRevoked ? 'ended' : answer1);
      }
    }
    expect(await forward(this.#extra, client2)).toBe(this.proxyCas.hasExtra ? answer2 : 'ended');
  }
}

test(
  'what is in force behind proxies with certificates is the newest valid state of each unit',
  async () => {
    await assertUnits(
      () => new ByCertificate(),
      [
        stepsOn('pair', pairChanges, ({ pair }) => pair),
        stepsOn('crl', crlChanges(4), ({ crl }) => crl),
        stepsOn('proxies.from.crl 0', crlChanges(2), ({ proxyCrls: [crl] }) => crl),
        stepsOn('proxies.from.crl 1', crlChanges(2), ({ proxyCrls: [, crl] }) => crl),
        stepsOn('proxies.from.ca', casChanges, ({ proxyCas: cas }) => cas),
      ],
    );
  },
  timeout,
);

/** Proxies with one of two secrets, without TLS. */
class BySecret implements World {
  readonly #files = writeMaterial(temporaryDirectory(), {
    ca0: ours.pem,
    ca1: partner.pem,
    crl0: ours.crl({ number: 1 }).pem,
    crl1: partner.crl({ number: 1 }).pem,
    secret0: secrets[0] as string,
    secret1: secrets[1] as string,
  });
  readonly crl = new CrlUnit(this.#files.crl0, ours, clients);
  readonly cas = new CasUnit([this.#files.ca0, this.#files.ca1], [ours, partner]);
  readonly secrets = [
    new SecretUnit(this.#files.secret0, secrets[0] as string),
    new SecretUnit(this.#files.secret1, secrets[1] as string),
  ] as const;
  readonly units = [this.crl, this.cas, ...this.secrets];

  get options(): World['options'] {
    const { ca0, ca1, crl0, crl1, secret0, secret1 } = this.#files;
    const from = { secret: [{ path: secret0 }, { path: secret1 }] };
    return { ca: [ca0, ca1], crl: [crl0, crl1], proxies: { from, header: 'nginx' } };
  }

  async check(mtls: Mtls, server: Server): Promise<void> {
    const proxy = new TestProxy({ port: await portOf(server) });
    const inForce = this.secrets.map((unit) => unit.inForce);
    const good = inForce[0] as string;
    const ask = async (secret: string, client: Certificate): Promise<unknown> =>
      (await proxy.get('/', ['X-SSL-Client-Cert', escaped(client), 'Mtls-Proxy-Secret', secret])).status;
    for (const secret of secrets) {
      const status = await ask(secret, partnerClients[0] as Certificate);
      expect(status).toBe(inForce.includes(secret) ? 200 : 403);
    }
    for (const [index, client] of clients.entries())
      expect(await ask(good, client)).toBe(this.crl.revoked.includes(index) ? 401 : 200);
    const cas = mtls.authorities.map(({ subject }) => String(subject));
    expect(cas.includes('CN=extra')).toBe(this.cas.hasExtra);
  }
}

test(
  'what is in force behind proxies with secrets is the newest valid state of each unit',
  async () => {
    await assertUnits(
      () => new BySecret(),
      [
        stepsOn('crl', crlChanges(4), ({ crl }) => crl),
        stepsOn('cas', casChanges, ({ cas }) => cas),
        stepsOn('proxies.from.secret 0', secretChanges, ({ secrets: [secret] }) => secret),
        stepsOn('proxies.from.secret 1', secretChanges, ({ secrets: [, secret] }) => secret),
      ],
    );
  },
  timeout,
);

async function portOf(server: Server): Promise<number> {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : await listen(server);
}
