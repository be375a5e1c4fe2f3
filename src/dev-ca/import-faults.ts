/**
 * What servers and clients of today hold against a certificate that was made
 * by an old walkthrough.
 *
 * @module
 */
import type { Certificate } from '../x509/certificate.js';
import { purposes } from '../x509/purpose.js';
import type { CertificateKind } from './database.js';

const { clientAuth, serverAuth } = purposes;

/** Everything that is wrong with the certificate of a client or a server, each in a few words. */
export function faultsOfCertificate(name: string, content: Certificate, at: Date): string[] {
  return [
    ...versionFaults(content),
    ...faultsOfHash(content.signed.algorithm.scheme?.hash),
    ...faultsOfKey(content),
    ...purposeFaults(name, content),
    ...(content.notAfter <= at ? [`it expired at ${content.notAfter.toISOString()}`] : []),
  ];
}

/** Whether it is a server's and says nowhere which hosts it is for. */
export function namesNoHost(name: string, content: Certificate): boolean {
  return (
    isForServers(name, content) &&
    !content.subjectAltNames.some(({ kind }) => kind === 'dns' || kind === 'ip')
  );
}

/** Whom a certificate is likely to be for that does not say it, or says both: by its names. */
export function likelyKindOf(name: string, subject: Certificate['subject']): CertificateKind {
  const names = [name, ...subject.get('CN')];
  const isServer = names.some((each) => /server|^localhost$|^[^@\s]+\.[a-z]{2,}$/i.test(each));
  return isServer ? 'server' : 'client';
}

/** What is wrong with a signature by its hash. */
export function faultsOfHash(hash: string | undefined): string[] {
  return hash === 'md5' || hash === 'sha1'
    ? [`it is signed with ${hash.toUpperCase()}, which can be forged`]
    : [];
}

/** What is wrong with a key: shorter than this package's server takes where it is not told otherwise. */
export function faultsOfKey({ publicKeyKind: { algorithm, bits } }: Certificate): string[] {
  const least = { rsa: 2048, ec: 256 }[algorithm] ?? 0;
  if (bits === undefined || bits >= least) return [];
  return [`its key is ${algorithm.toUpperCase()} with ${bits} bits, and ${least} are wanted`];
}

function versionFaults({ version }: Certificate): string[] {
  return version < 3 ? [`it is of X.509 version ${version} and cannot say what it is for`] : [];
}

function purposeFaults(name: string, content: Certificate): string[] {
  const { version, extendedKeyUsage: usages } = content;
  if (namesNoHost(name, content))
    return ['it names no host in a subjectAltName, and clients look nowhere else'];
  if (version < 3 || usages?.includes(clientAuth) === true || isForServers(name, content)) return [];
  return usages === undefined
    ? ['it does not say that it is for clients']
    : ['it is for neither clients nor servers'];
}

/** One that does not say what it is for is taken for a server's by its names. */
function isForServers(name: string, { extendedKeyUsage: usages, subject }: Certificate): boolean {
  if (usages !== undefined) return usages.includes(serverAuth) && !usages.includes(clientAuth);
  return likelyKindOf(name, subject) === 'server';
}
