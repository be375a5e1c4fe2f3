/**
 * Why no certification path leads from a certificate to a trust anchor, in the words of the log and of `doctor`.
 *
 * @module
 */

/**
 * Why no path was found. `'name'`: no configured CA has the name of the issuer. `'key'`: those with that name have
 * another key. `'identifier'`: authorityKeyIdentifier identifies another certificate. `'signature'`: none of them
 * signed it. `'root'`: the issuer is configured, but leads to no root. `'budget'`: too many CAs have the name.
 */
export type MissingLink = 'name' | 'key' | 'identifier' | 'signature' | 'root' | 'budget';

/** For a CA certificate whose key identifier differs from the one in the certificate. */
export const hasOtherKey =
  'has another key: it is another CA with the same name, or the same CA with an older or a newer key';

/** For a CA certificate whose key does not verify the signature. */
export const hasNotSigned = 'did not sign it: the signature was not made with its key';

const descriptions: Readonly<Record<MissingLink, (issuer: string) => string>> = {
  name: (issuer) => `no configured CA leads to "${issuer}", which issued it`,
  key: (issuer) =>
    `no configured CA leads to "${issuer}", which issued it: the certificate of that name ${hasOtherKey}`,
  identifier: (issuer) =>
    `no configured CA leads to "${issuer}", which issued it: its authorityKeyIdentifier (2.5.29.35) names another certificate of that name`,
  signature: (issuer) =>
    `no configured CA leads to "${issuer}", which issued it: the certificate of that name ${hasNotSigned}`,
  root: (issuer) => `"${issuer}", which issued it, leads to no configured root`,
  budget: (issuer) =>
    `too many CAs have the name "${issuer}", which issued it, to try them all for one client`,
};

/** Describes what is missing. */
export function describeMissing(missing: MissingLink, issuer: string): string {
  return descriptions[missing](issuer);
}

/** The remedies that do not depend on the intermediates that clients send. */
export const remedies: Readonly<Partial<Record<MissingLink, string>>> = {
  key: remedyFor('whose key signed it'),
  identifier: remedyFor('that it names'),
};

function remedyFor(which: string): string {
  return `add the CA certificate ${which} to options.ca, or reissue the client certificate with the configured CA`;
}
