/**
 * A CA below the CA of a folder, in a folder of its own inside.
 *
 * @module
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { MtlsError } from '../errors.js';
import { parseCertificate as parseContent } from '../x509/certificate.js';
import { authorityFiles, isIssuedBy, openAuthority, parseCertificate, type Authority } from './authority.js';
import { chainFileOf, readChain } from './chain.js';
import { formatCrlNumber, normalizeSerial } from './database.js';
import { createFile, readIfPresent } from './files.js';
import { makeFolder } from './folder.js';
import { readRows } from './inventory.js';
import { algorithmOf, recordCertificate, validityWithin } from './issuance.js';
import { createKeyPair, formatPrivateKey, type KeyAlgorithm } from './keys.js';
import { withLock } from './lock.js';
import { commonNameOf } from './oneline.js';
import { checkName } from './pair.js';
import { writeCrl } from './revocation-list.js';
import { createSerialNumber, signCertificate } from './signing.js';
import { checkSubject, noAltNames, type Subject } from './subject.js';

/** What the certificate of an intermediate CA says. Without effect on one that is kept. */
export interface IntermediateOptions {
  /**
   * Its commonName, of 1 to 64 characters; no two CAs may share one.
   * @defaultValue its name
   */
  readonly commonName?: string;
  /**
   * Days until it expires, at the latest with the CA above it.
   * @defaultValue `1825`; above 0, at most 36_500, parts of a day allowed
   */
  readonly days?: number;
  /**
   * What kind of key to make.
   * @defaultValue the kind of key that the CA above has
   */
  readonly algorithm?: KeyAlgorithm;
}

/** An intermediate CA: a folder that `openDevCa()` opens. */
export interface IntermediateCa {
  /** Whether this call made it, or found it there. */
  readonly outcome: 'made' | 'kept';
  /** What the CA above revokes it by. */
  readonly name: string;
  /** The folder of its name, in that of the CA above it. */
  readonly directory: string;
  /** `ca-crt.pem` in its folder. */
  readonly certFile: string;
  /** `ca-key.pem` in its folder, with mode 0600. */
  readonly keyFile: string;
  /** `ca-crl.pem` in its folder. */
  readonly crlFile: string;
  /** Its certificate and those above it: what a server takes as `ca`. */
  readonly chainFile: string;
  /** Lower-case hexadecimal without leading zeros. */
  readonly serialNumber: string;
  /** When it expires. */
  readonly notAfter: Date;
}

/**
 * Makes an intermediate CA, or keeps the one that is there.
 * @param passphrase - Encrypts its key, and opens that of one that is kept.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID`, also where the CA may have none below it
 */
export async function issueIntermediate(
  parent: Authority,
  name: string,
  options: IntermediateOptions,
  passphrase: string | undefined,
): Promise<IntermediateCa> {
  checkFolderName(name);
  const directory = path.join(parent.directory, name);
  const outcome = existsSync(directory) ? 'kept' : 'made';
  if (outcome === 'made') await create(parent, directory, name, options, passphrase);
  const files = authorityFiles(directory);
  const pem = await readIfPresent(files.certificate);
  const certificate = pem === undefined ? undefined : parseCertificate(pem, files.certificate);
  if (certificate === undefined || !isIssuedBy(certificate, parent)) {
    throw new MtlsError('ERR_MTLS_FILE_EXISTS', {
      seen: `${directory} is there, and is not the folder of a CA below ${parent.files.certificate}`,
      remedy: 'nothing is overwritten: use another name',
    });
  }
  return {
    outcome,
    name,
    directory,
    certFile: files.certificate,
    keyFile: files.key,
    crlFile: files.crl,
    chainFile: chainFileOf(directory),
    serialNumber: normalizeSerial(certificate.serialNumber),
    notAfter: new Date(certificate.validTo),
  };
}

async function create(
  parent: Authority,
  directory: string,
  name: string,
  options: IntermediateOptions,
  passphrase: string | undefined,
): Promise<void> {
  checkPathLength(parent);
  const subject = checkSubject({ commonName: options.commonName ?? name });
  await checkUnused(parent, subject);
  const validity = validityWithin(parent, options.days ?? 1825);
  const above = await readChain(parent);
  // A second copy, by whose file name the CA above knows it.
  const copy = path.join(parent.directory, `${name}-crt.pem`);
  if (existsSync(copy)) throw alreadyThere(copy);
  const { publicKey, privateKey } = await createKeyPair(options.algorithm ?? algorithmOf(parent.privateKey));
  const serialNumber = createSerialNumber();
  const names = { subject, altNames: noAltNames };
  const pem = await signCertificate(
    { profile: 'ca', pathLength: 0, names, serialNumber, publicKey, ...validity },
    parent,
  );
  const chain = pem + above.map(String).join('');
  await recordCertificate(parent, pem);
  await createFile(copy, pem, 'public');
  await makeFolder(directory);
  const files = authorityFiles(directory);
  await withLock(directory, async () => {
    await createFile(files.key, formatPrivateKey(privateKey, passphrase), 'secret');
    await createFile(files.certificate, pem, 'public');
    await createFile(chainFileOf(directory), chain, 'public');
    await createFile(files.database, '', 'public');
    await createFile(files.crlNumber, formatCrlNumber(1n), 'public');
    const unused = { algorithm: 'ec-p256', commonName: name, days: 1 } as const;
    await writeCrl(await openAuthority(directory, { ...unused, passphrase }, parent.now), {});
  });
}

/** Its folder stands among the files of the CA above, and beside the folder of what that has renewed. */
function checkFolderName(name: string): void {
  checkName(name);
  if (!/^old$|\.(?:pem|p12|txt)(?:\.|$)/i.test(name)) return;
  throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
    seen: `name is ${JSON.stringify(name)}, as files or folders of the CA are called`,
    remedy: 'use another, without ".pem", ".p12" and ".txt"',
  });
}

function alreadyThere(file: string): MtlsError {
  return new MtlsError('ERR_MTLS_FILE_EXISTS', {
    seen: `${file} is the certificate of another subject`,
    remedy: 'nothing is overwritten: use another name',
  });
}

/** RFC 5280 section 4.2.1.9: how many CAs may follow below. */
function checkPathLength({ certificate, directory, files }: Authority): void {
  const { basicConstraints } = parseContent(certificate.raw);
  if (basicConstraints?.pathLength !== 0) return;
  throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
    seen: `${files.certificate} allows no CA below it (pathlen 0), so that every peer would reject the new one`,
    remedy: `make its certificate anew with "express-mtls import ${directory} --dir NEWDIR --remake-ca" if it is a root, or use another CA`,
  });
}

/** A CRL says by name whose it is. */
async function checkUnused(parent: Authority, subject: Subject): Promise<void> {
  const { commonName } = subject;
  const rows = await readRows(parent);
  const isTaken =
    parent.certificate.subject === `CN=${commonName}` ||
    rows.some(({ fields }) => commonNameOf(fields[5]) === commonName);
  if (!isTaken) return;
  throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
    seen: `${JSON.stringify(commonName)} is already the name of the CA in ${parent.directory} or of a certificate of it`,
    remedy: 'give the new CA another with commonName (--cn)',
  });
}
