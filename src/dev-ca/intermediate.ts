/**
 * An intermediate CA in a subfolder of the folder of its issuer.
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
import { moveAway } from './shell.js';
import { checkSubject, noAltNames, type Subject } from './subject.js';

/**
 * The contents of an intermediate CA certificate. They do not change an existing one.
 * @example
 * ```ts
 * await ca.issueIntermediate('devices', { commonName: 'devices-ca', days: 365 });
 * ```
 */
export interface IntermediateOptions {
  /**
   * The commonName, 1 to 64 characters. It must differ from that of every other CA.
   * @defaultValue its name
   */
  readonly commonName?: string;
  /**
   * The lifetime in days, limited to that of the issuer.
   * @defaultValue `1825`; above 0, at most 36_500, fractions allowed
   */
  readonly days?: number;
  /**
   * The kind of key to generate.
   * @defaultValue the kind of the issuer's key
   */
  readonly algorithm?: KeyAlgorithm;
}

/** An intermediate CA: a folder that `openDevCa()` opens. */
export interface IntermediateCa {
  /** Whether this call created it or found it. */
  readonly outcome: 'made' | 'kept';
  /** The name by which the issuer revokes it. */
  readonly name: string;
  /** The subfolder with its name. */
  readonly directory: string;
  /** `ca-crt.pem` in its folder. */
  readonly certFile: string;
  /** `ca-key.pem` in its folder, with mode 0600. */
  readonly keyFile: string;
  /** `ca-crl.pem` in its folder. */
  readonly crlFile: string;
  /** Its certificate and those of the CAs above it, for the `ca` option of a server. */
  readonly chainFile: string;
  /** Lower-case hexadecimal without leading zeros. */
  readonly serialNumber: string;
  /** When it expires. */
  readonly notAfter: Date;
}

/**
 * Creates an intermediate CA, or keeps an existing one.
 * @param passphrase - Encrypts the key of a new one, and decrypts that of an existing one.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID`, also if the CA cannot have a CA below it
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
      seen: `${directory} exists, and is not the folder of a CA issued by ${parent.files.certificate}`,
      remedy: `nothing is overwritten: move it away with "${moveAway(directory)}", or use another name`,
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
  // A second copy, whose file name is the NAME for the issuer.
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

/** The folder is among the files of the issuer, and beside the folder for replaced files. */
function checkFolderName(name: string): void {
  checkName(name);
  if (!/^old$|\.(?:pem|p12|txt)(?:\.|$)/i.test(name)) return;
  throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
    seen: `name is ${JSON.stringify(name)}, which is reserved for files and folders of the CA`,
    remedy: 'use another name, without ".pem", ".p12" and ".txt"',
  });
}

function alreadyThere(file: string): MtlsError {
  return new MtlsError('ERR_MTLS_FILE_EXISTS', {
    seen: `${file} is a certificate with another subject`,
    remedy: `nothing is overwritten: move it away with "${moveAway(file)}", or use another name`,
  });
}

/** RFC 5280 section 4.2.1.9: the number of CAs that can follow below. */
function checkPathLength({ certificate, directory, files }: Authority): void {
  const { basicConstraints } = parseContent(certificate.raw);
  if (basicConstraints?.pathLength !== 0) return;
  throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
    seen: `${files.certificate} allows no CA below it (pathlen 0), so every peer would reject the new CA`,
    remedy: `reissue its certificate with "express-mtls import ${directory} --dir NEWDIR --remake-ca" if it is a root, or use another CA`,
  });
}

/** A CRL identifies its CA by name. */
async function checkUnused(parent: Authority, subject: Subject): Promise<void> {
  const { commonName } = subject;
  const rows = await readRows(parent);
  const isTaken =
    parent.certificate.subject === `CN=${commonName}` ||
    rows.some(({ fields }) => commonNameOf(fields[5]) === commonName);
  if (!isTaken) return;
  throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
    seen: `${JSON.stringify(commonName)} is already the name of the CA in ${parent.directory} or of a certificate that it issued`,
    remedy: 'set another name with commonName (--cn)',
  });
}
