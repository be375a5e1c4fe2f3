/**
 * What is not as it should be with a CA that was imported, and what to do
 * about it: one warning for each certificate, for the CRL, for the CA.
 *
 * @module
 */
import type { Certificate } from '../x509/certificate.js';
import { isCa } from '../x509/issuance.js';
import type { Crl } from '../x509/crl.js';
import type { ForeignCa } from './foreign-folder.js';
import type { ForeignMaterial } from './foreign-material.js';
import type { NamedCertificate } from './foreign-names.js';
import type { ForeignState } from './foreign-state.js';
import {
  faultsOfCertificate,
  faultsOfHash,
  faultsOfKey,
  likelyKindOf,
  namesNoHost,
} from './import-faults.js';
import { kindOf } from './pair.js';

/** Something that was imported, and is not as it should be. */
export interface ImportWarning {
  /** The NAME of a certificate, several, `ca`, `crl`, `database`, or a file. */
  readonly about: string;
  /** What is wrong, each in a few words. */
  readonly faults: readonly string[];
  /** What to do, or what was done. */
  readonly remedy: string;
}

/** About certificates that stand. @param directory - Where they are now. */
export function warnOfCertificates(
  certificates: readonly NamedCertificate[],
  at: Date,
  directory: string,
): ImportWarning[] {
  return certificates.flatMap((each) => {
    const { name, content } = each;
    if (isCa(content)) {
      return warning(
        name,
        ['it is a CA of its own'],
        'its folder was not imported with it: import it by itself, or revoke it',
      );
    }
    return warning(name, faultsOfCertificate(name, content, at), remedyOf(each, directory));
  });
}

function remedyOf({ name, certificate, content, key }: NamedCertificate, directory: string): string {
  if (namesNoHost(name, content)) {
    return `make one for its hosts, under another name: express-mtls issue server NEW --san HOST --dir ${directory}`;
  }
  const said = kindOf(certificate);
  const kind = said ?? likelyKindOf(name, content.subject);
  const isWeak = faultsOfKey(content).length > 0;
  if (isWeak && key === undefined) {
    return `its key is elsewhere: have a request of a new one made there, and sign it under another name: express-mtls issue ${kind} NEW --csr FILE --dir ${directory}`;
  }
  const options = [said === undefined ? ` --as ${kind}` : '', isWeak ? ' --new-key' : ''];
  return `make it anew: express-mtls renew ${name}${options.join('')} --dir ${directory}`;
}

/** About certificates that a CRL cannot tell apart. */
export function warnOfSharedSerials(certificates: readonly NamedCertificate[]): ImportWarning[] {
  const names = new Map<string, string[]>();
  for (const { name, serialNumber } of certificates) {
    names.set(serialNumber, [...(names.get(serialNumber) ?? []), name]);
  }
  return [...names].flatMap(([serialNumber, sharing]) =>
    warning(
      sharing.join(', '),
      sharing.length < 2
        ? []
        : [`they share the serial number ${serialNumber}, so that to revoke one is to revoke all`],
      'make each anew with express-mtls renew NAME',
    ),
  );
}

/** About the CA itself. */
export function warnOfCa(content: Certificate): ImportWarning[] {
  const remedy =
    'no certificate of it is let in, and a key does not grow: make a CA in another folder with express-mtls init, and issue anew';
  return warning('ca', faultsOfKey(content), remedy);
}

/** About the CRL that was found, for whoever has it in use. @param file - The new one. */
export function warnOfCrl(crl: Crl | undefined, at: Date, file: string): ImportWarning[] {
  if (crl === undefined) {
    return warning(
      'crl',
      ['none was found that this CA has signed'],
      `the first is ${file}: give it to the servers`,
    );
  }
  const { version, nextUpdate } = crl;
  const faults = [
    ...faultsOfHash(crl.signed.algorithm.scheme?.hash),
    ...(version === 1 ? ['it is of version 1 and has no number'] : []),
    ...(nextUpdate === undefined ? ['it does not say when the next one comes'] : []),
    ...(nextUpdate !== undefined && nextUpdate <= at ? [`it went stale at ${nextUpdate.toISOString()}`] : []),
  ];
  return warning(
    'crl',
    faults,
    `it was written anew with every entry: use ${file}, and write the next in time with express-mtls crl`,
  );
}

/** About what the database did not say. */
export function warnOfRows(
  { database, directory }: ForeignCa,
  { unknown, revokedByCrl }: ForeignState,
  certificates: readonly NamedCertificate[],
): ImportWarning[] {
  const names = new Map(certificates.map(({ serialNumber, name }) => [serialNumber, name]));
  const list = (serials: readonly string[]): string => {
    const shown = serials.slice(0, 5).map((serial) => names.get(serial) ?? `serial ${serial}`);
    return shown.join(', ') + (serials.length > 5 ? ` and ${serials.length - 5} more` : '');
  };
  const known =
    database === undefined
      ? warning(
          'database',
          [
            `there is none in ${directory}, so that the CA is taken to have issued what was found and nothing else`,
          ],
          'if it has issued more, put those certificates into the folder and import it again',
        )
      : warning(
          'database',
          unknown.length === 0
            ? []
            : [`it did not have ${list(unknown)}, as openssl x509 -req leaves them out`],
          'they have a row now, and can be revoked',
        );
  const revoked = warning(
    'database',
    revokedByCrl.length === 0
      ? []
      : [`it did not say that ${list(revokedByCrl)} is revoked, and the CRL does`],
    'revoked it stays',
  );
  return [...known, ...revoked];
}

/** About files of which nothing could be made. */
export function warnOfUnreadable({ unreadable }: ForeignMaterial): ImportWarning[] {
  return unreadable.flatMap(({ file, error }) =>
    warning(
      file,
      [error.message],
      'it was left out; if it is a certificate of this CA, mend it and import again',
    ),
  );
}

function warning(about: string, faults: readonly string[], remedy: string): ImportWarning[] {
  return faults.length === 0 ? [] : [{ about, faults, remedy }];
}
