/**
 * The state of the CAs in force, for operators.
 *
 * @module
 */
import { formatSerial } from '../identity/client-identity.js';
import { type Materials } from '../material/material.js';
import { type Trust } from '../judgement/judges.js';
import { type DistinguishedName } from '../x509/distinguished-name.js';

/** One CA in force. */
export interface AuthorityState {
  /** The name of the CA. */
  readonly subject: DistinguishedName;
  /** The issuer of its certificate; the same as `subject` for a root. */
  readonly issuer: DistinguishedName;
  /** The serial number in lower-case hex without leading zeros. */
  readonly serialNumber: string;
  /** The start of the validity period. */
  readonly notBefore: Date;
  /** The end of the validity period. */
  readonly notAfter: Date;
  /**
   * The names of `options.sni` that admit its clients, in lower case. `'*'` is the server itself, with every name
   * that has no CAs or CRLs of its own.
   */
  readonly names: readonly string[];
  /**
   * `'missing'`: CRLs are configured, but no loaded CRL covers it. `'not-configured'`: no CRL is configured, and no
   * certificate is ever revoked.
   */
  readonly crl: 'loaded' | 'missing' | 'not-configured';
}

/** Describes the CAs, those of the server first. A CA appears twice only if its `crl` differs between names. */
export function describeAuthorities(materials: Materials, at: Date): readonly AuthorityState[] {
  const { main, named } = materials;
  const own = [...named].filter(([, { trust }]) => trust !== main.trust);
  const trusts: (readonly [string, Trust])[] = [
    ['*', main.trust],
    ...own.map(([name, { trust }]) => [name, trust] as const),
  ];
  return describeTrusts(trusts, at);
}

/** Describes the CAs of each name. */
export function describeTrusts(
  trusts: readonly (readonly [string, Trust])[],
  at: Date,
): readonly AuthorityState[] {
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
        // The dates are copies, so that changing them does not affect the gate.
        const dates = { notBefore: new Date(notBefore), notAfter: new Date(notAfter) };
        states.set(key, { subject, issuer, serialNumber, ...dates, names: [name], crl });
      }
    }
  }
  return Object.freeze(
    [...states.values()].map((state) => Object.freeze({ ...state, names: Object.freeze(state.names) })),
  );
}
