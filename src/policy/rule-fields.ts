/**
 * What a rule may say of a client, field by field.
 *
 * @module
 */

/** What a field may be: this text, a text of at most 512 characters that this RegExp matches whole, or any of a list of those. */
export type Match = string | RegExp | readonly (string | RegExp)[];

/**
 * A rule by fields. Within a field any one value is enough; across fields all must hold. A field with
 * several values in the certificate (`organizationalUnit`, `dns`, …) holds if one of them matches.
 */
export interface ClientRuleFields {
  /** The one commonName, letter for letter. Never matches a certificate with several. */
  readonly commonName?: Match;
  /** An organizationName of the subject (O), letter for letter. */
  readonly organization?: Match;
  /** An organizationalUnitName of the subject (OU), letter for letter. */
  readonly organizationalUnit?: Match;
  /** A dNSName in subjectAltName, letter case aside. `*.example.org` is text, not a wildcard. */
  readonly dns?: Match;
  /** An rfc822Name in subjectAltName; letter case counts before the `@` alone. */
  readonly email?: Match;
  /** A URI in subjectAltName, letter for letter. */
  readonly uri?: Match;
  /** An IP address in subjectAltName, in any spelling. */
  readonly ip?: Match;
  /** A user principal name in subjectAltName, the case of ASCII letters aside. */
  readonly upn?: Match;
  /** The one SPIFFE ID: `'spiffe://example.org/billing'`. */
  readonly spiffeId?: Match;
  /** The trust domain of the SPIFFE ID: `'example.org'`. */
  readonly spiffeTrustDomain?: Match;
  /** The issuer: a string is RFC 4514 and compared as RFC 5280 section 7.1 says; a RegExp sees the RFC 4514 text. */
  readonly issuer?: Match;
  /** SHA-256 of the whole certificate in hex, with or without colons. */
  readonly fingerprint256?: Match;
  /** Lower-case hex without leading zeros. Say the `issuer` as well: another CA may give out the same number. */
  readonly serialNumber?: Match;
  /** An object identifier in extendedKeyUsage, dotted. */
  readonly extendedKeyUsage?: Match;
  /** A certificate policy that the path is valid for, dotted: see `ClientIdentity.policies`. */
  readonly policy?: Match;
}
