/**
 * Describes anything that was found.
 *
 * @module
 */
import { reportCertificate } from './certificate-report.js';
import { reportCrl } from './crl-report.js';
import { surveyCrl, type Wanted, wantedOf } from './crl-survey.js';
import {
  reportPkcs12,
  reportPrivateKey,
  reportPublicKey,
  reportRequest,
  reportUnknown,
} from './key-reports.js';
import { type Found } from './material.js';
import { type Report } from './report.js';
import { type Surroundings } from './surroundings.js';

/** Describes one item. @param hostname - The host name of the server that presented it. */
export function reportFound(
  found: Found,
  surroundings: Surroundings,
  wanted: readonly Wanted[],
  hostname: string | undefined,
): Report {
  switch (found.kind) {
    case 'certificate':
      return reportCertificate(found, surroundings, hostname);
    case 'crl':
      return reportCrl(found, surroundings, wanted);
    case 'request':
      return reportRequest(found, surroundings);
    case 'private-key':
      return reportPrivateKey(found, surroundings);
    case 'public-key':
      return reportPublicKey(found, surroundings);
    case 'pkcs12':
      return reportPkcs12(found);
    case 'unknown':
      return reportUnknown(found);
  }
}

/** Reads the entries of every CRL once, for all certificates in question. */
export function surveyAll(all: readonly Found[], wanted: readonly Wanted[]): Surroundings['surveys'] {
  const given = all.flatMap((thing) =>
    thing.kind === 'certificate' ? [wantedOf(thing.certificate, thing.origin)] : [],
  );
  return new Map(
    all.flatMap((thing) =>
      thing.kind === 'crl' ? [[thing, surveyCrl(thing.crl, [...wanted, ...given])] as const] : [],
    ),
  );
}
