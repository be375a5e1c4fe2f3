/**
 * The state of the proxies and of the server's own certificates, for operators.
 *
 * @module
 */
import { type KeptConnection } from '../gate/connection.js';
import { type ProxySettings } from '../gate/proxy-options.js';
import { type Materials } from '../material/material.js';
import { type ServerCredentials } from '../material/server-credentials.js';
import { describeTrusts } from './authority-state.js';
import { type ProxyState, type ServerCertificateState } from './mtls.js';
import { type Settings } from './settings.js';

/** Describes the proxies; `undefined` without the option. */
export function describeProxies(
  { proxies, now }: Pick<Settings, 'proxies' | 'now'>,
  materials: Materials | undefined,
  connections: ReadonlySet<KeptConnection>,
): ProxyState | undefined {
  if (proxies === undefined) return undefined;
  const { trust } = materials?.main.proxies ?? {};
  return Object.freeze({
    proof: proofOf(proxies),
    authorities: trust === undefined ? [] : describeTrusts([['*', trust]], new Date(now())),
    connections: [...connections].flatMap(({ isOfProxy, reported, remoteAddress, since }) =>
      isOfProxy ? [{ identity: reported, remoteAddress, since }] : [],
    ),
  });
}

function proofOf({ trust, socketMode, secrets }: ProxySettings): ProxyState['proof'] {
  if (trust !== undefined) return 'certificate';
  if (socketMode !== undefined) return 'socket';
  return secrets.length > 0 ? 'secret' : 'addresses';
}

/** Describes a certificate of the server. The dates are copies. */
export function describeCertificate(
  servername: string | undefined,
  { notBefore, notAfter }: ServerCredentials,
): ServerCertificateState {
  const dates = { notBefore: new Date(notBefore), notAfter: new Date(notAfter) };
  return Object.freeze({ servername, ...dates });
}
