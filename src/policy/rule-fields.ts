/**
 * The fields of a rule.
 *
 * @module
 */

/**
 * The value of a field: a string, a RegExp that must match the whole value (of at most 512 characters), or a list of
 * both.
 */
export type Match = string | RegExp | readonly (string | RegExp)[];

/**
 * A rule by fields. A field matches if any of its values does; the rule allows a request if every field matches. A
 * field with several values in the certificate (`organizationalUnit`, `dns`, …) matches if one of them does.
 * @example
 * ```ts
 * const billing: ClientRuleFields = {
 *   organizationalUnit: ['billing', 'accounting'],
 *   dns: /^[a-z]+\.billing\.example$/,
 *   issuer: 'CN=Staff CA,O=Example,C=DE',
 * };
 * app.use('/invoices', requireClient(billing));
 * ```
 */
export interface ClientRuleFields {
  /** The commonName, case-sensitive. Never matches a certificate with several. */
  readonly commonName?: Match;
  /** An organizationName of the subject (O), case-sensitive. */
  readonly organization?: Match;
  /** An organizationalUnitName of the subject (OU), case-sensitive. */
  readonly organizationalUnit?: Match;
  /** A dNSName in subjectAltName, case-insensitive. `*.example.org` is literal text, not a wildcard. */
  readonly dns?: Match;
  /** An rfc822Name in subjectAltName. The part before the `@` is case-sensitive. */
  readonly email?: Match;
  /** A URI in subjectAltName, case-sensitive. */
  readonly uri?: Match;
  /** An IP address in subjectAltName, in any notation. */
  readonly ip?: Match;
  /** A user principal name in subjectAltName. ASCII letters are case-insensitive. */
  readonly upn?: Match;
  /** The SPIFFE ID, such as `'spiffe://example.org/billing'`. */
  readonly spiffeId?: Match;
  /** The trust domain of the SPIFFE ID, such as `'example.org'`. */
  readonly spiffeTrustDomain?: Match;
  /** The issuer in RFC 4514. A string is compared by RFC 5280 section 7.1; a RegExp is applied to the RFC 4514 text. */
  readonly issuer?: Match;
  /** SHA-256 of the certificate in hex, with or without colons. */
  readonly fingerprint256?: Match;
  /** The serial number in hex. Combine it with `issuer`: other CAs may use the same number. */
  readonly serialNumber?: Match;
  /** An object identifier in extendedKeyUsage, dotted. */
  readonly extendedKeyUsage?: Match;
  /** A certificate policy for which the certification path is valid, dotted. See `ClientIdentity.policies`. */
  readonly policy?: Match;
}
