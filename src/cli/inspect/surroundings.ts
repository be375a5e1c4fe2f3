/**
 * What things that are looked at together say of each other: who issued what, and
 * which key belongs to which certificate.
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

/** What is known when one thing is described. */
export interface Surroundings {
  readonly now: Date;
  /** What `--as` asks for. */
  readonly role?: 'client' | 'server' | 'ca' | undefined;
  readonly relations: Relations;
  readonly surveys: ReadonlyMap<FoundCrl, CrlSurvey>;
}

// More of one name, and the others are not tried: each costs a signature.
const mostCandidates = 8;
// Each of a file's 10,000 copies of a key would name all the others.
const mostOfOneKey = 100;

/** Who belongs to whom. */
export class Relations {
  /** The CAs of `--ca`; `undefined` where there is none. */
  readonly trusted: CertificateStore | undefined;
  /** Every certificate there is. */
  readonly all: CertificateStore;
  /** Whether anything stands beside what is described. */
  readonly hasSeveral: boolean;
  readonly #certificates: readonly Certificate[];
  readonly #byKey = new Map<string, string[]>();
  readonly #origins = new Map<string, string>();

  constructor(found: readonly Found[], cas: readonly Found[] | undefined) {
    this.hasSeveral = found.length > 1;
    this.#certificates = certificatesAmong(found);
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
    this.trusted = cas && new CertificateStore(certificatesAmong(cas));
    this.all = new CertificateStore([...certificatesAmong(found), ...certificatesAmong(cas ?? [])]);
  }

  /** Where a certificate stands. */
  originOf(certificate: Certificate): string | undefined {
    return this.#origins.get(textOf(certificate.raw));
  }

  /** The certificate whose key signed another, if it is there. */
  issuerOf(certificate: Certificate): Certificate | undefined {
    return this.all
      .named(certificate.issuer.canonical)
      .filter((ca) => keyIdentifiersAgree(certificate.authorityKeyId, ca.subjectKeyId))
      .slice(0, mostCandidates)
      .find((ca) => this.all.isSignedBy(certificate.signed, ca));
  }

  /** The path to a CA of `--ca` that a server would go by; without `--ca`, `'not-asked'`. */
  pathOf(certificate: Certificate, at: Date): PathChoice | 'not-asked' {
    if (this.trusted === undefined) return 'not-asked';
    const measures = { revocation: undefined, certificates: checkCertificatePolicy() };
    const candidate = { certificate, others: this.#certificates, openssl: 'not-asked' } as const;
    return choosePath(candidate, this.trusted, measures, at);
  }

  /** Where the other things of a key stand: of each kind at most {@link mostOfOneKey}. */
  sharing(publicKey: Buffer, kinds: readonly Found['kind'][]): string[] {
    return kinds.flatMap((kind) => this.#byKey.get(`${kind} ${textOf(publicKey)}`) ?? []);
  }
}

/** The certificates among things. */
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
