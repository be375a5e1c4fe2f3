/**
 * Problems of an imported CA, and what to do about them: one warning per certificate, for the CRL, and for the CA.
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

/** A problem of something that was imported. */
export interface ImportWarning {
  /** What it is about: the NAME of a certificate, several, `ca`, `crl`, `database`, or a file. */
  readonly about: string;
  /** The faults, in a few words each. */
  readonly faults: readonly string[];
  /** What to do, or what was done. */
  readonly remedy: string;
}

/** Problems of certificates that are not revoked. @param directory - Where they are now. */
export function warnOfCertificates(
  certificates: readonly NamedCertificate[],
  at: Date,
  directory: string,
): ImportWarning[] {
  return certificates.flatMap((each) => {
    const { name, content } = each;
    if (isCa(content)) {
      return warning(name, ['it is a CA'], 'its folder was not imported: import it separately, or revoke it');
    }
    return warning(name, faultsOfCertificate(name, content, at), remedyOf(each, directory));
  });
}

function remedyOf({ name, certificate, content, key }: NamedCertificate, directory: string): string {
  if (namesNoHost(name, content)) {
    return `issue one for its hosts under another name: express-mtls issue server NEW --san HOST --dir ${directory}`;
  }
  const said = kindOf(certificate);
  const kind = said ?? likelyKindOf(name, content.subject);
  const isWeak = faultsOfKey(content).length > 0;
  if (isWeak && key === undefined) {
    return `its key is elsewhere: create a request with a new key there, and sign it under another name: express-mtls issue ${kind} NEW --csr FILE --dir ${directory}`;
  }
  const options = [said === undefined ? ` --as ${kind}` : '', isWeak ? ' --new-key' : ''];
  return `renew it: express-mtls renew ${name}${options.join('')} --dir ${directory}`;
}

/** Certificates that a CRL cannot distinguish. */
export function warnOfSharedSerials(certificates: readonly NamedCertificate[]): ImportWarning[] {
  const names = new Map<string, string[]>();
  for (const { name, serialNumber } of certificates) {
    names.set(serialNumber, [...(names.get(serialNumber) ?? []), name]);
  }
  return [...names].flatMap(([serialNumber, sharing]) =>
    warning(
      sharing.join(', '),
      sharing.length < 2 ? [] : [`they share the serial number ${serialNumber}, so revoking one revokes all`],
      'renew each with express-mtls renew NAME',
    ),
  );
}

/** Problems of the CA itself. */
export function warnOfCa(content: Certificate): ImportWarning[] {
  const remedy =
    'servers refuse its certificates: create a CA in another folder with express-mtls init, and issue new certificates';
  return warning('ca', faultsOfKey(content), remedy);
}

/** Problems of the CRL that was found, for its users. @param file - The new one. */
export function warnOfCrl(crl: Crl | undefined, at: Date, file: string): ImportWarning[] {
  if (crl === undefined) {
    return warning(
      'crl',
      ['no CRL signed by this CA was found'],
      `the first CRL is ${file}: configure it in the servers`,
    );
  }
  const { version, nextUpdate } = crl;
  const faults = [
    ...faultsOfHash(crl.signed.algorithm.scheme?.hash),
    ...(version === 1 ? ['it is of version 1 and has no number'] : []),
    ...(nextUpdate === undefined ? ['it has no nextUpdate'] : []),
    ...(nextUpdate !== undefined && nextUpdate <= at
      ? [`it has been stale since ${nextUpdate.toISOString()}`]
      : []),
  ];
  return warning(
    'crl',
    faults,
    `a new CRL with every entry was written: use ${file}, and write the next one in time with express-mtls crl`,
  );
}

/** Gaps in the database. */
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
          [`there is none in ${directory}, so only the certificates that were found count as issued`],
          'if the CA has issued more, put those certificates into the folder and import it again',
        )
      : warning(
          'database',
          unknown.length === 0 ? [] : [`it lacked ${list(unknown)}, probably issued with openssl x509 -req`],
          'they were added and can be revoked',
        );
  const revoked = warning(
    'database',
    revokedByCrl.length === 0 ? [] : [`it did not list ${list(revokedByCrl)} as revoked, but the CRL does`],
    'they stay revoked',
  );
  return [...known, ...revoked];
}

/** Files that could not be parsed. */
export function warnOfUnreadable({ unreadable }: ForeignMaterial): ImportWarning[] {
  return unreadable.flatMap(({ file, error }) =>
    warning(
      file,
      [error.message],
      'it was skipped; if it is a certificate of this CA, fix it and import again',
    ),
  );
}

function warning(about: string, faults: readonly string[], remedy: string): ImportWarning[] {
  return faults.length === 0 ? [] : [{ about, faults, remedy }];
}
