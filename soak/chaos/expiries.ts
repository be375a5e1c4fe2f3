/**
 * Clients whose certificates expire, each followed by a new one.
 *
 * @module
 */
import { machineTime } from '../../bench/harness/clock.js';
import type { CertificateAuthority } from '../../test/support/chain.js';
import type { Fleet } from '../fleet.js';
import { connectionKinds, type ConnectionKind, expiringLifeMs, otherClients, outForMs } from '../plan.js';
import { pause } from './schedule.js';

// Date.now() and the monotonic clock are read one after the other, and drift.
const clockDifferenceMs = 50;

/** Keeps enrolling short-lived clients until `signal`. */
export async function runExpiries(
  fleet: Fleet,
  issuer: CertificateAuthority,
  signal: AbortSignal,
): Promise<void> {
  const lines = Array.from({ length: otherClients.expiring }, async (_, index) => {
    await pause((index * expiringLifeMs) / otherClients.expiring, signal);
    const kind = connectionKinds[index % connectionKinds.length] as ConnectionKind;
    while (!signal.aborted) await liveAndExpire(fleet, { issuer, kind }, signal);
  });
  await Promise.all(lines);
}

async function liveAndExpire(
  fleet: Fleet,
  { issuer, kind }: { issuer: CertificateAuthority; kind: ConnectionKind },
  signal: AbortSignal,
): Promise<void> {
  const notAfter = new Date(Math.ceil((Date.now() + expiringLifeMs) / 1000) * 1000);
  const member = await fleet.enrol({ role: 'expiring', kind, issuer, notAfter, isIn: true });
  const expires = machineTime() + notAfter.getTime() - Date.now();
  member.standing.mayBeOut(expires - clockDifferenceMs, 'expired', 'its date has passed');
  member.standing.mustBeOut(expires);
  await pause(expires + outForMs - machineTime(), signal);
  // At the end of the run it goes on with the rest.
  if (!signal.aborted) await fleet.dismiss(member);
}
