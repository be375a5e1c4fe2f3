/**
 * Describes keys, requests, PKCS#12 files, and unknown blocks.
 *
 * @module
 */
import { createPublicKey } from 'node:crypto';
import { checkCertificatePolicy } from '../../judgement/certificate-policy.js';
import { checkKeys } from '../../judgement/fitness.js';
import { count } from '../../quantity.js';
import type { CertificateRequest } from '../../x509/certificate-request.js';
import { DistinguishedName } from '../../x509/distinguished-name.js';
import { type PublicKeyKind } from '../../x509/public-key.js';
import { verifySignature } from '../../x509/signature.js';
import { shorten } from '../../x509/string.js';
import { describePurposes, rowsOf } from './certificate-report.js';
import { type Found } from './material.js';
import { type Fault, type Report, type Row } from './report.js';
import { type Surroundings } from './surroundings.js';
import { describeGeneralName, describeKey, describeSignature, usageNamesOf } from './words.js';

/** Describes a private key, without its secret parts. */
export function reportPrivateKey(
  { key, origin, friendlyName }: Extract<Found, { kind: 'private-key' }>,
  { relations }: Surroundings,
): Report {
  const { publicKey, encryption, state } = key;
  const owners = publicKey ? relations.sharing(publicKey.der, ['certificate', 'request', 'public-key']) : [];
  const isAlone = owners.length === 0 && publicKey !== undefined && relations.hasSeveral;
  return {
    origin,
    title: encryption === undefined ? 'private key' : 'private key, encrypted',
    rows: [
      ...(friendlyName === undefined ? [] : [['Called', shorten(friendlyName)] as const]),
      ...(publicKey === undefined ? [] : [['Key', describeKey(publicKey.kind)] as const]),
      ...(encryption === undefined ? [] : [['Encrypted', encryption] as const]),
      ...rowsOf('Belongs to', isAlone ? ['nothing else in the given files'] : owners),
    ],
    notes: state === 'open' ? [] : ['to see its kind, specify its password with --password-file FILE'],
    verdict: publicKey && { as: 'a key', refusals: findKeyFaults(publicKey.kind) },
    data: {
      type: 'private-key',
      ...(friendlyName === undefined ? {} : { friendlyName }),
      encryption: encryption ?? null,
      key: publicKey?.kind ?? null,
      belongsTo: owners,
    },
  };
}

/** Describes a public key. */
export function reportPublicKey(
  { publicKey, origin }: Extract<Found, { kind: 'public-key' }>,
  { relations }: Surroundings,
): Report {
  const owners = relations.sharing(publicKey.der, ['certificate', 'request', 'private-key']);
  return {
    origin,
    title: 'public key',
    rows: [['Key', describeKey(publicKey.kind)], ...rowsOf('Belongs to', owners)],
    notes: [],
    verdict: { as: 'a key', refusals: findKeyFaults(publicKey.kind) },
    data: { type: 'public-key', key: publicKey.kind, belongsTo: owners },
  };
}

/** Describes a request for a certificate. */
export function reportRequest(
  { request, origin }: Extract<Found, { kind: 'request' }>,
  { relations }: Surroundings,
): Report {
  const { subject, publicKey, publicKeyKind, extensions, signed } = request;
  const isGood = isSignedByItself(request);
  const keys = relations.sharing(publicKey, ['private-key']);
  const refusals: Fault[] = findKeyFaults(publicKeyKind);
  if (!isGood)
    refusals.push({
      reason: 'signature',
      detail:
        'its own signature is invalid: it was modified, or created without the private key; create it again',
    });
  return {
    origin,
    title: 'certificate request (CSR)',
    rows: [
      ['Subject', subject.isEmpty ? '(none)' : shorten(subject.describe())],
      ...rowsOf('Names', (extensions?.subjectAltNames ?? []).map(describeGeneralName)),
      ...requestedUses(extensions),
      ['Key', describeKey(publicKeyKind)],
      ...rowsOf('Private key', keys),
      ['Signature', `${describeSignature(signed.algorithm)}, ${isGood ? 'valid' : 'invalid'}`],
    ],
    notes: [],
    verdict: { as: 'a request', refusals },
    data: {
      type: 'request',
      subject: String(subject),
      subjectAltNames: (extensions?.subjectAltNames ?? []).map(describeGeneralName),
      extendedKeyUsage: extensions?.extendedKeyUsage ?? null,
      keyUsage: extensions?.keyUsage === undefined ? null : usageNamesOf(extensions.keyUsage),
      requestsCa: extensions?.basicConstraints?.ca ?? false,
      key: publicKeyKind,
      privateKeys: keys,
      signatureAlgorithm: describeSignature(signed.algorithm),
      signatureHolds: isGood,
    },
  };
}

function requestedUses(extensions: CertificateRequest['extensions']): Row[] {
  if (extensions === undefined) return [];
  const { keyUsage, basicConstraints } = extensions;
  return [
    ...rowsOf('For', [
      ...(basicConstraints?.ca === true ? ['being a CA'] : []),
      ...describePurposes(extensions),
    ]),
    ...(keyUsage === undefined ? [] : [['Key usage', usageNamesOf(keyUsage).join(', ')] as const]),
  ];
}

function isSignedByItself({ publicKey, signed }: CertificateRequest): boolean {
  try {
    return verifySignature(signed, createPublicKey({ key: publicKey, format: 'der', type: 'spki' }));
  } catch {
    return false;
  }
}

const noName = new DistinguishedName([]);

function findKeyFaults(publicKeyKind: PublicKeyKind): Fault[] {
  const refusal = checkKeys([{ subject: noName, publicKeyKind }], checkCertificatePolicy());
  return refusal === undefined ? [] : [{ reason: refusal.reason, detail: refusal.detail }];
}

/** Describes a PKCS#12 file. Its contents have their own reports. */
export function reportPkcs12({ pkcs12, origin }: Extract<Found, { kind: 'pkcs12' }>): Report {
  const { bags, encryptions, mac } = pkcs12;
  const number = (kind: string): number => bags.filter((bag) => bag.kind === kind).length;
  const held = [
    [number('private-key'), 'private key'],
    [number('certificate'), 'certificate'],
    [number('crl'), 'CRL'],
  ] as const;
  const contents = held.filter(([many]) => many > 0).map(([many, noun]) => count(many, noun));
  return {
    origin,
    title: 'PKCS#12 file',
    rows: [
      ['Holds', contents.length === 0 ? 'nothing' : contents.join(', ')],
      ['Encrypted', encryptions.length === 0 ? 'no' : encryptions.join(', ')],
      ['Integrity', mac ?? 'not protected'],
    ],
    notes: [],
    verdict: undefined,
    data: { type: 'pkcs12', holds: bags.map(({ kind }) => kind), encryptions, mac: mac ?? null },
  };
}

/** Describes an unknown block. */
export function reportUnknown({ pemLabel, origin }: Extract<Found, { kind: 'unknown' }>): Report {
  const remedy =
    pemLabel === 'OPENSSH PRIVATE KEY' ? '; "ssh-keygen -p -m PKCS8 -f COPY" converts a copy of the key' : '';
  return {
    origin,
    title: `PEM block "${pemLabel}"`,
    rows: [],
    notes: [`this kind of block is not supported${remedy}`],
    verdict: undefined,
    data: { type: 'unknown', pemLabel },
  };
}
