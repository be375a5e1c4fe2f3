/**
 * Describes the machine that was measured.
 *
 * @module
 */
import os from 'node:os';
import { otherServers, type OtherServerName, versionOf } from './harness/other-servers.js';

/** For people, without host name and paths. */
export function describeMachine(): Record<string, string> {
  const servers = (Object.keys(otherServers) as OtherServerName[]).flatMap((name) => {
    const version = versionOf(name);
    return version === undefined ? [] : [[name, version] as const];
  });
  return { ...describeHost(), ...Object.fromEntries(servers) };
}

/** The same without the other servers. */
export function describeHost(): Record<string, string> {
  return {
    cores: `${os.availableParallelism()} (${os.arch()})`,
    memory: `${Math.round(os.totalmem() / 2 ** 30)} GiB`,
    Node: process.versions.node,
    OpenSSL: process.versions.openssl.replace(/\+.*$/, ''),
  };
}
