/**
 * PKCS#12 files (RFC 7292) of today's kind, for test material: PBES2, and the MAC
 * of RFC 9579. Those of older kinds are made by openssl.
 *
 * @module
 */
import { createCipheriv, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import type { Certificate } from './chain.js';
import {
  element,
  explicit,
  integer,
  nullValue,
  octetString,
  oid,
  sequence,
  set,
  text,
} from './der-writer.js';

export interface Pkcs12Options {
  readonly password: string;
  readonly certificates: readonly Pick<Certificate, 'der'>[];
  readonly key?: Pick<Certificate, 'privateKey'>;
  /** @defaultValue `1000` */
  readonly iterations?: number;
  /** @defaultValue `true` */
  readonly mac?: boolean;
  /** What becomes of its parts before they are encrypted or protected. @defaultValue nothing */
  readonly convert?: (der: Buffer) => Buffer;
  /** The name that the key goes by. */
  readonly friendlyName?: string;
}

/** A file. */
export function pkcs12(options: Pkcs12Options): Buffer {
  const { convert = (der) => der } = options;
  const certificates = options.certificates.map(({ der }) =>
    bag('1.3', sequence(oid('1.2.840.113549.1.9.22.1'), explicit(0, octetString(der)))),
  );
  const key = options.key?.privateKey.export({ type: 'pkcs8', format: 'der' });
  const keys = key === undefined ? [] : [bag('1.2', encrypted(key, options), options.friendlyName)];
  const contents = convert(
    sequence(
      part('1.2.840.113549.1.7.6', encryptedData(convert(sequence(...certificates)), options)),
      part('1.2.840.113549.1.7.1', octetString(convert(sequence(...keys)))),
    ),
  );
  return sequence(
    integer(3),
    part('1.2.840.113549.1.7.1', octetString(contents)),
    ...(options.mac === false ? [] : [macData(contents, options)]),
  );
}

function part(type: string, content: Buffer): Buffer {
  return sequence(oid(type), explicit(0, content));
}

function bag(type: string, value: Buffer, friendlyName?: string): Buffer {
  const attributes =
    friendlyName === undefined
      ? []
      : [set(sequence(oid('1.2.840.113549.1.9.20'), set(text('bmp', friendlyName))))];
  return sequence(oid(`1.2.840.113549.1.12.10.${type}`), explicit(0, value), ...attributes);
}

function encryptedData(contents: Buffer, options: Pkcs12Options): Buffer {
  const { algorithm, data } = encrypt(contents, options);
  const info = sequence(oid('1.2.840.113549.1.7.1'), algorithm, element(0x80, data));
  return sequence(integer(0), info);
}

function encrypted(key: Buffer, options: Pkcs12Options): Buffer {
  const { algorithm, data } = encrypt(key, options);
  return sequence(algorithm, octetString(data));
}

function encrypt(clear: Buffer, options: Pkcs12Options): { algorithm: Buffer; data: Buffer } {
  const salt = randomBytes(8);
  const iv = randomBytes(16);
  const cipher = createCipheriv('aes-256-cbc', derive(options, salt), iv);
  return {
    algorithm: sequence(
      oid('1.2.840.113549.1.5.13'),
      sequence(pbkdf2(options, salt), sequence(oid('2.16.840.1.101.3.4.1.42'), octetString(iv))),
    ),
    data: Buffer.concat([cipher.update(clear), cipher.final()]),
  };
}

function derive({ password, iterations = 1000 }: Pkcs12Options, salt: Buffer): Buffer {
  // More iterations than any reader accepts are not computed.
  return pbkdf2Sync(password, salt, iterations > 100_000 ? 1 : iterations, 32, 'sha256');
}

function pbkdf2({ iterations = 1000 }: Pkcs12Options, salt: Buffer): Buffer {
  const hmac = sequence(oid('1.2.840.113549.2.9'), nullValue());
  return sequence(
    oid('1.2.840.113549.1.5.12'),
    sequence(octetString(salt), integer(iterations), integer(32), hmac),
  );
}

function macData(contents: Buffer, options: Pkcs12Options): Buffer {
  const salt = randomBytes(8);
  const hmac = sequence(oid('1.2.840.113549.2.9'), nullValue());
  const algorithm = sequence(oid('1.2.840.113549.1.5.14'), sequence(pbkdf2(options, salt), hmac));
  const mac = createHmac('sha256', derive(options, salt)).update(contents).digest();
  return sequence(sequence(algorithm, octetString(mac)), octetString(Buffer.from('unused')), integer(1));
}
