/**
 * The clients, their certificates and their expected standing.
 *
 * @module
 */
import type { Child } from '../bench/harness/child.js';
import { machineTime } from '../bench/harness/clock.js';
import type { Certificate, CertificateAuthority } from '../test/support/chain.js';
import {
  type ConnectionKind,
  goodPaceMs,
  httpKinds,
  isNamed,
  isProxied,
  otherPaceMs,
  redisKinds,
  type Role,
} from './plan.js';
import type { ClientsCalls } from './programs/clients.js';
import type { Checker } from './truth/checker.js';
import { Standing } from './truth/standing.js';

/** Where the servers listen, and the CA of their certificates. */
export interface Target {
  readonly https: number;
  readonly http2: number;
  /** The port of the server with a name in `sni`. */
  readonly sni: number;
  /** That name. */
  readonly name: string;
  /** The port of nginx; `undefined` if it is not installed. */
  readonly proxied: number | undefined;
  /** The ports of the servers with a remote CRL; `undefined` if there is no Redis. */
  readonly redis: number | undefined;
  readonly http: number;
  /** PEM. */
  readonly ca: string;
}

/** A client to enrol. */
export interface Enrolment {
  readonly role: Role;
  readonly kind: ConnectionKind;
  readonly issuer: CertificateAuthority;
  readonly notAfter?: Date;
  /** Whether the server admits it from the start. */
  readonly isIn: boolean;
}

/** A client. */
export interface Member {
  readonly id: number;
  readonly certificate: Certificate;
  readonly standing: Standing;
}

export class Fleet {
  readonly #target: Target;
  readonly #program: Child<ClientsCalls>;
  readonly #checker: Checker;
  #lastId = 0;

  constructor(target: Target, program: Child<ClientsCalls>, checker: Checker) {
    this.#target = target;
    this.#program = program;
    this.#checker = checker;
  }

  /** Enrols a client with a new certificate, which starts to send requests. */
  async enrol({ role, kind, issuer, notAfter, isIn }: Enrolment): Promise<Member> {
    const id = ++this.#lastId;
    const name = `${role}-${id}`;
    const certificate = issuer.client({ commonName: name, ...(notAfter === undefined ? {} : { notAfter }) });
    const standing = new Standing({ name, role, kind });
    if (isIn) {
      const now = machineTime();
      standing.mayBeIn(now);
      standing.mustBeIn(now);
    }
    this.#checker.enrol(id, standing);
    await this.#program.call('start', {
      id,
      kind,
      port: this.#portOf(kind),
      servername: isNamed(kind) ? this.#target.name : 'localhost',
      key: certificate.keyPem,
      cert: certificate.chainPem,
      ca: this.#target.ca,
      paceMs: (role === 'good' ? goodPaceMs : otherPaceMs)[kind],
    });
    return { id, certificate, standing };
  }

  #portOf(kind: ConnectionKind): number {
    const { proxied, redis } = this.#target;
    if (isProxied(kind)) return started(proxied, kind);
    if (redisKinds.includes(kind)) return started(redis, kind);
    if (httpKinds.includes(kind)) return this.#target.http;
    if (isNamed(kind) || kind === 'beside-sni') return this.#target.sni;
    return kind === 'http2' ? this.#target.http2 : this.#target.https;
  }

  /** Passes the clients' observations since the last call to the checker. */
  async observe(): Promise<void> {
    for (const observation of await this.#program.call('take')) this.#checker.see(observation);
  }

  /** Stops a client. */
  async dismiss({ id }: Member): Promise<void> {
    await this.#program.call('stop', id);
    await this.observe();
    this.#checker.dismiss(id, machineTime());
  }

  async dismissAll(): Promise<void> {
    await this.observe();
    await this.#program.call('stopAll');
  }
}

function started(port: number | undefined, kind: ConnectionKind): number {
  if (port === undefined) throw new Error(`a client is ${kind}, and its server was not started`);
  return port;
}
