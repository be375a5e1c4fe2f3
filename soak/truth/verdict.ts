/**
 * Whether a run has passed.
 *
 * @module
 */
import { overloadFailures } from '../overload/overload-figures.js';
import { partnerFaults } from '../chaos/broken-source.js';
import { pairFaults } from '../chaos/pair-faults.js';
import { caFaults, serverNamePrefix } from '../chaos/server-name.js';
import { allFaultsFromSeconds, steepestSlope, connectionKinds } from '../plan.js';
import { credentialFaults } from '../remote/credential-renewal.js';
import { httpOutages } from '../remote/http-outlet.js';
import { redisOutage } from '../remote/redis-outlet.js';
import type { SoakResult } from '../result.js';
import { inRedis, overHttp, underSni } from './standing.js';

/** The reasons why the run failed, one sentence each, limited per kind. */
export function findFailures(result: SoakResult): string[] {
  return [
    ...summarize(result.seen),
    ...overloadFailures(result.overloads),
    ...faultFailures(result),
    ...slopeFailures(result),
    ...endFailures(result),
    ...result.server.warnings.map((warning) => `the server was warned: ${warning}`),
    ...idlenessFailures(result),
  ];
}

const mostSeen = 20;

function summarize(seen: readonly string[]): string[] {
  if (seen.length <= mostSeen) return [...seen];
  return [...seen.slice(0, mostSeen), `and ${seen.length - mostSeen} more of these`];
}

function slopeFailures({ memory }: SoakResult): string[] {
  const { megabytesAMinute, isAsserted, samples } = memory;
  if (!isAsserted || (samples > 1 && megabytesAMinute <= steepestSlope)) return [];
  return [
    `resident memory grew by ${megabytesAMinute.toFixed(2)} MB a minute over ${samples} samples; the limit is ${steepestSlope}`,
  ];
}

function endFailures({ left, exit }: SoakResult): string[] {
  const handles =
    left.length === 0 ? [] : [`the server closed everything and still holds ${left.join(', ')}`];
  if (exit === 0) return handles;
  const ending = exit === null ? 'did not end by itself' : `ended with ${exit}`;
  return [...handles, `the server's process ${ending}`];
}

/** The faults that must have been tried, as they are counted. */
export const allFaults: readonly string[] = [
  ...partnerFaults,
  ...pairFaults,
  ...[...pairFaults, ...caFaults].map((fault) => `${serverNamePrefix}${fault}`),
  ...credentialFaults,
  ...httpOutages,
  redisOutage,
];

/** One source must be broken at all times, by each fault in turn. */
function faultFailures({
  seconds,
  changes,
  skippedKinds,
  standingFaults: { samples, without },
}: SoakResult): string[] {
  const faults = allFaults.filter((fault) => fault !== redisOutage || !skippedKinds.includes('redis'));
  const untried =
    seconds < allFaultsFromSeconds ? [] : faults.filter((fault) => !(fault in changes.brokenSources));
  const failures = untried.map((fault) => `no source was broken by: ${fault}`);
  if (samples === 0 || without > 0)
    failures.push(`in ${without} of ${samples} samples a server had no fault; one source is always broken`);
  return failures;
}

/** A soak that provokes nothing would always pass. */
function idlenessFailures({
  counts,
  changes,
  lateness,
  skippedKinds,
  serverCertificates,
}: SoakResult): string[] {
  const kinds = connectionKinds.filter((kind) => !skippedKinds.includes(kind));
  const idle = kinds.filter((kind) => counts.servedByKind[kind] === 0);
  const failures = idle.map((kind) => `no request of kind ${kind} was served`);
  for (const cause of ['revoked', 'expired', 'CA removed'] as const) {
    if (!lateness.some((figures) => figures.cause === cause))
      failures.push(`no client lost access because of: ${cause}`);
  }
  const ways = [underSni, overHttp, ...(skippedKinds.includes('redis') ? [] : [inRedis])];
  for (const needed of ways)
    if (!lateness.some(({ way }) => way === needed)) failures.push(`no client was revoked ${needed}`);
  if (counts.resumed <= counts.notResumed) {
    failures.push(
      `${counts.resumed} of ${counts.resumed + counts.notResumed} connections that brought a session resumed it; most have to`,
    );
  }
  // The first of the server, of its name of `sni`, and of the loader.
  const pairs = 3 + Object.values(changes.rotations).reduce((sum, times) => sum + times, 0);
  if (serverCertificates < pairs)
    failures.push(`the server had ${pairs} certificates, and new connections saw ${serverCertificates}`);
  return failures;
}
