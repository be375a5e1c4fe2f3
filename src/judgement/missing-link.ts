/**
 * Why no path leads from a certificate to a trust anchor, in words that the log and the doctor share.
 *
 * @module
 */

/**
 * Why no path was found: no configured CA has the issuer's name; those of that name have another key, or are not the
 * certificate that authorityKeyIdentifier means; none of them has signed it; one has and leads to no root; or more CAs
 * than are tried have the name.
 */
export type MissingLink = 'name' | 'key' | 'identifier' | 'signature' | 'root' | 'budget';

/** Of a CA certificate: its key identifier is not the one that the certificate names. */
export const hasOtherKey =
  'has another key: another CA of the same name, or the same one before or after it changed its key';

/** Of a CA certificate: the signature does not verify. */
export const hasNotSigned = 'did not sign it: the signature is not by its key';

const descriptions: Readonly<Record<MissingLink, (issuer: string) => string>> = {
  name: (issuer) => `no configured CA leads to "${issuer}", which issued it`,
  key: (issuer) =>
    `no configured CA leads to "${issuer}", which issued it: the certificate of that name ${hasOtherKey}`,
  identifier: (issuer) =>
    `no configured CA leads to "${issuer}", which issued it: its authorityKeyIdentifier (2.5.29.35) names another certificate of that name`,
  signature: (issuer) =>
    `no configured CA leads to "${issuer}", which issued it: the certificate of that name ${hasNotSigned}`,
  root: (issuer) => `"${issuer}", which issued it, leads to no configured root`,
  budget: (issuer) => `more CAs have the name "${issuer}", which issued it, than are tried for one client`,
};

/** What is missing, in one sentence. */
export function describeMissing(missing: MissingLink, issuer: string): string {
  return descriptions[missing](issuer);
}

/** What to do, where it does not matter what clients send beside their certificates. */
export const remedies: Readonly<Partial<Record<MissingLink, string>>> = {
  key: remedyFor('whose key signed it'),
  identifier: remedyFor('that it names'),
};

function remedyFor(which: string): string {
  return `add the CA certificate ${which} to options.ca, or issue the client's certificate again by the one that is configured`;
}
