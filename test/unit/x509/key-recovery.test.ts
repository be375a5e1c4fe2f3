import { generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { possibleSigners } from '../../../src/x509/key-recovery.js';
import { type Signed, type SignatureScheme } from '../../../src/x509/signature.js';

type Hash = NonNullable<SignatureScheme['hash']>;

interface Pair {
  readonly key: Buffer;
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

function pairOn(namedCurve: string): Pair {
  return pairOf(generateKeyPairSync('ec', { namedCurve }));
}

function pairOf({ publicKey, privateKey }: { publicKey: KeyObject; privateKey: KeyObject }): Pair {
  return { key: publicKey.export({ format: 'der', type: 'spki' }), publicKey, privateKey };
}

function signedBy({ privateKey }: Pair, hash: Hash = 'sha256', text = 'signed'): Signed {
  const bytes = Buffer.from(text);
  return signedAs(sign(hash, bytes, privateKey), { bytes, hash });
}

interface Made {
  readonly bytes?: Buffer;
  readonly hash?: Hash;
  readonly keyType?: SignatureScheme['keyType'];
}

function signedAs(
  signature: Buffer,
  { bytes = Buffer.from('signed'), hash = 'sha256', keyType = 'ec' }: Made = {},
): Signed {
  const scheme = { keyType, hash, saltLength: undefined };
  return { bytes, signature, algorithm: { oid: '1.2', der: Buffer.alloc(0), scheme } };
}

const keysOf = (pairs: readonly Pair[]): Buffer[] => pairs.map(({ key }) => key);

describe.each([
  ['P-256', ['sha1', 'sha224', 'sha256', 'sha384', 'sha512']],
  ['P-384', ['sha1', 'sha256', 'sha384', 'sha512']],
  ['P-521', ['sha256', 'sha512']],
] as const)('the key of a signature on %s', (curve, hashes) => {
  const pairs = Array.from({ length: 8 }, () => pairOn(curve));

  it.each(hashes)('is the only one that is left among others, with %s', (hash) => {
    for (const pair of pairs) {
      const signed = signedBy(pair, hash, `signed by ${pairs.indexOf(pair)}`);
      expect(verify(hash, signed.bytes, pair.publicKey, signed.signature)).toBe(true);
      expect(possibleSigners(signed, keysOf(pairs))).toEqual([pair.key]);
    }
  });

  it('is none of them if another key made it', () => {
    expect(possibleSigners(signedBy(pairOn(curve)), keysOf(pairs))).toEqual([]);
  });

  it('is none of them if other bytes were signed', () => {
    const signed = signedBy(pairs[0] as Pair);
    expect(possibleSigners({ ...signed, bytes: Buffer.from('others') }, keysOf(pairs))).toEqual([]);
  });
});

// One key of 256 has such a coordinate, and one signature of 256 such a number.
it('finds a key whose coordinate begins with zeros', () => {
  let pair = pairOn('P-256');
  while (pair.key.at(27) !== 0) pair = pairOn('P-256');
  expect(possibleSigners(signedBy(pair), [pair.key, pairOn('P-256').key])).toEqual([pair.key]);
});

it('finds the key of a signature whose first number begins with zeros', () => {
  const pair = pairOn('P-256');
  let signed = signedBy(pair);
  const octetsOfR = (): number => signed.signature.readUInt8(3);
  for (let attempt = 0; octetsOfR() >= 32; attempt++) signed = signedBy(pair, 'sha256', `${attempt}`);
  expect(possibleSigners(signed, [pair.key, pairOn('P-256').key])).toEqual([pair.key]);
});

it('puts keys that it cannot exclude behind the one that it found', () => {
  const pair = pairOn('P-256');
  const rsa = pairOf(generateKeyPairSync('rsa', { modulusLength: 2048 }));
  const others = [
    rsa,
    pairOf(generateKeyPairSync('ed25519')),
    pairOn('secp256k1'),
    pairOn('brainpoolP256r1'),
  ];
  const keys = keysOf([...others, pairOn('P-256'), pair]);
  expect(possibleSigners(signedBy(pair), keys)).toEqual([pair.key, ...keysOf(others)]);
});

it('finds a key among those of several curves', () => {
  const pairs = ['P-256', 'P-384', 'P-521'].flatMap((curve) => [pairOn(curve), pairOn(curve)]);
  for (const pair of pairs) expect(possibleSigners(signedBy(pair), keysOf(pairs))[0]).toEqual(pair.key);
});

it('excludes nothing for a signature of another kind', () => {
  const keys = keysOf([pairOn('P-256'), pairOn('P-384')]);
  expect(possibleSigners(signedAs(Buffer.alloc(64), { keyType: 'ed25519' }), keys)).toEqual(keys);
});

describe('numbers that are no signature', () => {
  const pairs = [pairOn('P-256'), pairOn('P-256')];
  const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
  const integer = (value: bigint): Buffer => {
    const hex = value.toString(16);
    const octets = Buffer.from(`00${hex.length % 2 === 1 ? '0' : ''}${hex}`, 'hex');
    const content = (octets[1] as number) < 0x80 && octets.length > 1 ? octets.subarray(1) : octets;
    return Buffer.concat([Buffer.of(2, content.length), content]);
  };
  const signature = (r: bigint, s: bigint): Buffer => {
    const content = Buffer.concat([integer(r), integer(s)]);
    return Buffer.concat([Buffer.of(0x30, content.length), content]);
  };

  it.each([
    ['r is the order of the curve', signature(order, 1n)],
    ['s is the order of the curve', signature(order - 1n, order)],
  ])('exclude every key: %s', (_name, bytes) => {
    expect(possibleSigners(signedAs(bytes), keysOf(pairs))).toEqual([]);
  });

  it.each([
    ['r is zero', signature(0n, 1n)],
    ['s is zero', signature(order - 1n, 0n)],
    ['r may stand for r + n', signature(5n, 7n)],
    ['no DER', Buffer.from('0102', 'hex')],
    ['nothing', Buffer.alloc(0)],
  ])('exclude nothing if they determine no key: %s', (_name, bytes) => {
    expect(possibleSigners(signedAs(bytes), keysOf(pairs))).toEqual(keysOf(pairs));
  });
});
