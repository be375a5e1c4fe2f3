/**
 * How items in one call are related: which CA issued what, and which key belongs to which certificate.
 *
 * @module
 */
import { checkCertificatePolicy } from '../../judgement/certificate-policy.js';
import { choosePath, type PathChoice } from '../../judgement/path-choice.js';
import { CertificateStore } from '../../x509/certificate-store.js';
import { keyIdentifiersAgree } from '../../x509/issuance.js';
import { type Certificate } from '../../x509/certificate.js';
import { type CrlSurvey } from './crl-survey.js';
import { type Found } from './material.js';

/** A CRL that was found. */
export type FoundCrl = Extract<Found, { kind: 'crl' }>;

/** The context for describing one item. */
export interface Surroundings {
  readonly now: Date;
  /** The value of `--as`. */
  readonly role?: 'client' | 'server' | 'ca' | undefined;
  readonly relations: Relations;
  readonly surveys: ReadonlyMap<FoundCrl, CrlSurvey>;
}

// More candidates with the same name are not tried, because each costs a signature verification.
const mostCandidates = 8;
// Otherwise each of a file's 10,000 copies of a key would list all the others.
const mostOfOneKey = 100;

/** The relations between items. */
export class Relations {
  /** The CAs of `--ca`; `undefined` without it. */
  readonly trusted: CertificateStore | undefined;
  /** Every certificate in the call. */
  readonly all: CertificateStore;
  /** Whether there are other items beside the described one. */
  readonly hasSeveral: boolean;
  /** The certificates that a client may send with another one, as far as a server reads them. */
  readonly #sent: readonly Certificate[];
  readonly #byKey = new Map<string, string[]>();
  readonly #origins = new Map<string, string>();

  /** @param partialChain - Whether a CA of `--ca` without its root is a trust anchor. */
  constructor(
    found: readonly Found[],
    cas: readonly Found[] | undefined,
    partialChain: 'deny' | 'allow' = 'deny',
  ) {
    this.hasSeveral = found.length > 1;
    // With partialChain, OpenSSL trusts no chain, so the gate does not read what clients send.
    this.#sent = partialChain === 'allow' ? [] : certificatesAmong(found);
    for (const thing of found) {
      const publicKey = publicKeyOf(thing);
      if (publicKey === undefined) continue;
      const key = `${thing.kind} ${textOf(publicKey)}`;
      const sharing = this.#byKey.get(key);
      if (sharing === undefined) this.#byKey.set(key, [thing.origin]);
      else if (sharing.length < mostOfOneKey) sharing.push(thing.origin);
    }
    for (const thing of [...found, ...(cas ?? [])])
      if (thing.kind === 'certificate') {
        const key = textOf(thing.certificate.raw);
        if (!this.#origins.has(key)) this.#origins.set(key, thing.origin);
      }
    this.trusted = cas && new CertificateStore(certificatesAmong(cas), { partialChain });
    this.all = new CertificateStore([...certificatesAmong(found), ...certificatesAmong(cas ?? [])]);
  }

  /** Where a certificate comes from. */
  originOf(certificate: Certificate): string | undefined {
    return this.#origins.get(textOf(certificate.raw));
  }

  /** The certificate whose key signed another one, if it was given. */
  issuerOf(certificate: Certificate): Certificate | undefined {
    return this.all
      .named(certificate.issuer.canonical)
      .filter((ca) => keyIdentifiersAgree(certificate.authorityKeyId, ca.subjectKeyId))
      .slice(0, mostCandidates)
      .find((ca) => this.all.isSignedBy(certificate.signed, ca));
  }

  /** The path to a CA of `--ca` that a server would use; without `--ca`, `'not-asked'`. */
  pathOf(certificate: Certificate, at: Date): PathChoice | 'not-asked' {
    if (this.trusted === undefined) return 'not-asked';
    const measures = { revocation: undefined, certificates: checkCertificatePolicy() };
    const candidate = { certificate, others: this.#sent, openssl: 'not-asked' } as const;
    return choosePath(candidate, this.trusted, measures, at);
  }

  /** The origins of other items with the same key, at most {@link mostOfOneKey} of each kind. */
  sharing(publicKey: Buffer, kinds: readonly Found['kind'][]): string[] {
    return kinds.flatMap((kind) => this.#byKey.get(`${kind} ${textOf(publicKey)}`) ?? []);
  }
}

/** The certificates among items. */
export function certificatesAmong(found: readonly Found[]): Certificate[] {
  return found.flatMap((thing) => (thing.kind === 'certificate' ? [thing.certificate] : []));
}

function publicKeyOf(thing: Found): Buffer | undefined {
  switch (thing.kind) {
    case 'certificate':
      return thing.certificate.publicKey;
    case 'request':
      return thing.request.publicKey;
    case 'private-key':
      return thing.key.publicKey?.der;
    case 'public-key':
      return thing.publicKey.der;
    default:
      return undefined;
  }
}

function textOf(bytes: Buffer): string {
  return bytes.toString('latin1');
}
