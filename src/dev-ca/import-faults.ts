/**
 * Why current servers and clients reject certificates from old walkthroughs.
 *
 * @module
 */
import type { Certificate } from '../x509/certificate.js';
import { purposes } from '../x509/purpose.js';
import type { CertificateKind } from './database.js';

const { clientAuth, serverAuth } = purposes;

/** The faults of a client or server certificate, in a few words each. */
export function faultsOfCertificate(name: string, content: Certificate, at: Date): string[] {
  return [
    ...versionFaults(content),
    ...faultsOfHash(content.signed.algorithm.scheme?.hash),
    ...faultsOfKey(content),
    ...purposeFaults(name, content),
    ...(content.notAfter <= at ? [`it expired at ${content.notAfter.toISOString()}`] : []),
  ];
}

/** Whether a server certificate names no host. */
export function namesNoHost(name: string, content: Certificate): boolean {
  return (
    isForServers(name, content) &&
    !content.subjectAltNames.some(({ kind }) => kind === 'dns' || kind === 'ip')
  );
}

/** The likely kind of a certificate that states none or both, judged by its names. */
export function likelyKindOf(name: string, subject: Certificate['subject']): CertificateKind {
  const names = [name, ...subject.get('CN')];
  const isServer = names.some((each) => /server|^localhost$|^[^@\s]+\.[a-z]{2,}$/i.test(each));
  return isServer ? 'server' : 'client';
}

/** The fault of a signature's hash. */
export function faultsOfHash(hash: string | undefined): string[] {
  return hash === 'md5' || hash === 'sha1'
    ? [`it is signed with ${hash.toUpperCase()}, which can be forged`]
    : [];
}

/** The fault of a key: shorter than a server of this package accepts by default. */
export function faultsOfKey({ publicKeyKind: { algorithm, bits } }: Certificate): string[] {
  const least = { rsa: 2048, ec: 256 }[algorithm] ?? 0;
  if (bits === undefined || bits >= least) return [];
  return [`its key is ${algorithm.toUpperCase()} with ${bits} bits; at least ${least} are required`];
}

function versionFaults({ version }: Certificate): string[] {
  return version < 3 ? [`it is of X.509 version ${version}, which cannot state its purpose`] : [];
}

function purposeFaults(name: string, content: Certificate): string[] {
  const { version, extendedKeyUsage: usages } = content;
  if (namesNoHost(name, content)) return ['it names no host in subjectAltName, where clients look for it'];
  if (version < 3 || usages?.includes(clientAuth) === true || isForServers(name, content)) return [];
  return usages === undefined
    ? ['it does not state that it is for clients']
    : ['it is for neither clients nor servers'];
}

/** A certificate that does not state its purpose is classified by its names. */
function isForServers(name: string, { extendedKeyUsage: usages, subject }: Certificate): boolean {
  if (usages !== undefined) return usages.includes(serverAuth) && !usages.includes(clientAuth);
  return likelyKindOf(name, subject) === 'server';
}
