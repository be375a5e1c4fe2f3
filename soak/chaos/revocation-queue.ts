/**
 * Clients that are revoked one after the other, alternating between kinds of connection.
 *
 * @module
 */
import { machineTime } from '../../bench/harness/clock.js';
import type { Certificate, CertificateAuthority } from '../../test/support/chain.js';
import type { Fleet, Member } from '../fleet.js';
import { type ConnectionKind, graceMs, outForMs } from '../plan.js';
import type { Revocations } from './crl-changes.js';
import type { Tell } from './disk.js';
import { pause } from './schedule.js';

// A client must have been served before it is revoked.
const shortestServiceMs = 2 * graceMs;

export class RevocationQueue implements Revocations {
  readonly #fleet: Fleet;
  readonly #issuer: CertificateAuthority;
  readonly #signal: AbortSignal;
  readonly #waiting: { readonly member: Member; readonly since: number }[] = [];
  readonly #successors = new Set<Promise<void>>();
  #leaving: Member | undefined;

  constructor(fleet: Fleet, issuer: CertificateAuthority, signal: AbortSignal) {
    this.#fleet = fleet;
    this.#issuer = issuer;
    this.#signal = signal;
  }

  /** Enrols clients, with each kind of connection in turn. */
  async fill(kinds: readonly ConnectionKind[], clients: number): Promise<void> {
    for (let count = 0; count < clients; count++)
      await this.#enrol(kinds[count % kinds.length] as ConnectionKind);
  }

  begin(at: number, way: string): Certificate | undefined {
    const [next] = this.#waiting;
    if (next === undefined || at < next.since + shortestServiceMs) return undefined;
    this.#waiting.shift();
    this.#leaving = next.member;
    next.member.standing.mayBeOut(at, 'revoked', way);
    return next.member.certificate;
  }

  complete(): Tell {
    const member = this.#leaving;
    if (member === undefined) throw new Error('no revocation was begun');
    this.#leaving = undefined;
    const succession = this.#replace(member).finally(() => this.#successors.delete(succession));
    this.#successors.add(succession);
    return (at) => {
      member.standing.mustBeOut(at);
    };
  }

  /** Waits until nothing more is started. */
  async settle(): Promise<void> {
    await Promise.all(this.#successors);
  }

  async #replace(member: Member): Promise<void> {
    await pause(outForMs, this.#signal);
    // At the end of the run it goes on trying with the rest.
    if (this.#signal.aborted) return;
    await this.#fleet.dismiss(member);
    await this.#enrol(member.standing.kind);
  }

  async #enrol(kind: ConnectionKind): Promise<void> {
    const member = await this.#fleet.enrol({ role: 'revoked', kind, issuer: this.#issuer, isIn: true });
    this.#waiting.push({ member, since: machineTime() });
  }
}
