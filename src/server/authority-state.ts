/**
 * What an operator is told of the CAs in force.
 *
 * @module
 */
import { formatSerial } from '../identity/client-identity.js';
import { type Materials } from '../material/material.js';
import { type Trust } from '../judgement/judges.js';
import { type DistinguishedName } from '../x509/distinguished-name.js';

/** One CA in force. */
export interface AuthorityState {
  /** Its name. */
  readonly subject: DistinguishedName;
  /** The same as `subject` for a root. */
  readonly issuer: DistinguishedName;
  /** Lower-case hex without leading zeros. */
  readonly serialNumber: string;
  /** Since when it is valid. */
  readonly notBefore: Date;
  /** When it expires. */
  readonly notAfter: Date;
  /**
   * Under which names of `options.sni` its clients are let in, in lower case. `'*'` is the server itself, with every
   * name that has no CAs or CRLs of its own.
   */
  readonly names: readonly string[];
  /**
   * `'missing'`: CRLs are configured, and none is loaded that speaks for it. `'not-configured'`: there is no CRL at
   * all, and nobody is ever revoked.
   */
  readonly crl: 'loaded' | 'missing' | 'not-configured';
}

/** Describes the CAs: those of the server first, each once, unless names differ in whether there is a CRL of it. */
export function describeAuthorities(materials: Materials, at: Date): readonly AuthorityState[] {
  const { main, named } = materials;
  const own = [...named].filter(([, { trust }]) => trust !== main.trust);
  const trusts: (readonly [string, Trust])[] = [
    ['*', main.trust],
    ...own.map(([name, { trust }]) => [name, trust] as const),
  ];
  const states = new Map<string, AuthorityState & { readonly names: string[] }>();
  for (const [name, { store, revocation }] of trusts) {
    const uncovered = new Set(revocation?.uncoveredCas(at));
    for (const ca of store.certificates) {
      const crl = revocation === undefined ? 'not-configured' : uncovered.has(ca) ? 'missing' : 'loaded';
      const key = `${crl} ${ca.raw.toString('latin1')}`;
      const known = states.get(key);
      if (known !== undefined) known.names.push(name);
      else {
        const { subject, issuer, serial, notBefore, notAfter } = ca;
        const serialNumber = formatSerial(serial);
        // Dates are copies: whatever is done to them, the gate goes on judging by the certificate.
        const dates = { notBefore: new Date(notBefore), notAfter: new Date(notAfter) };
        states.set(key, { subject, issuer, serialNumber, ...dates, names: [name], crl });
      }
    }
  }
  return Object.freeze(
    [...states.values()].map((state) => Object.freeze({ ...state, names: Object.freeze(state.names) })),
  );
}
