/**
 * The first half of a TLS 1.2 handshake (RFC 5246) in plain bytes. There a server sends unencrypted which CAs it
 * requests certificates from, which node:tls does not report.
 *
 * @module
 */
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { MtlsError } from '../../errors.js';
import { DerReader } from '../../x509/der.js';
import { readName } from '../../x509/distinguished-name.js';

/** What a server sent before the connection was closed. */
export interface Hello {
  /** Its certificates, DER. */
  readonly certificates: readonly Buffer[];
  /** Whether it requests a certificate. */
  readonly asks: boolean;
  /** The CAs that it requests certificates from; empty if it does not say. */
  readonly authorities: readonly string[];
}

/** The address of a server. */
export interface Place {
  readonly host: string;
  readonly port: number;
  /** The requested server name; empty for an IP address. */
  readonly servername: string;
}

/** The time limit in milliseconds. */
export const helloTimeoutMs = 5_000;
const mostBytes = 100_000;

/** The result: `'other-version'` if the server does not speak TLS 1.2, `'over'` if it aborted the handshake. */
export type HelloOutcome = Hello | 'other-version' | 'over';

/** Sends a ClientHello and reads everything that the server sends unencrypted. */
export async function sayHello({ host, port, servername }: Place): Promise<HelloOutcome> {
  return await new Promise((resolve) => {
    let read = Buffer.alloc(0);
    const socket = connect({ host, port });
    const timer = setTimeout(() => {
      resolve('over');
      socket.destroy();
    }, helloTimeoutMs);
    socket.once('connect', () => socket.write(clientHello(servername)));
    socket.on('data', (chunk) => {
      read = Buffer.concat([read, chunk]);
      const hello = readServer(read);
      if (hello === 'more' && read.length <= mostBytes) return;
      if (hello !== 'more') resolve(hello);
      socket.destroy();
    });
    // The complete handshake beside this one reports the cause.
    socket.once('error', () => socket.destroy());
    socket.once('close', () => {
      clearTimeout(timer);
      resolve('over');
    });
  });
}

const cipherSuites = 'c02bc02fc02cc030cca9cca8c009c013c00ac014009c009d002f003500ff'; // ECDHE and RSA, AES and ChaCha20; and no renegotiation
const extensions = [
  [10, '0008001d001700180019'], // groups: x25519, P-256, P-384, P-521
  [11, '0100'], // points are not compressed
  [13, '001a0403050306030807080808040805080604010501060102010203'], // signatures
] as const;

/** A record with a ClientHello (section 7.4.1.2). */
function clientHello(servername: string): Buffer {
  const name = Buffer.from(servername, 'latin1');
  // RFC 6066 section 3.
  const serverName = sized(2, Buffer.concat([Buffer.from([0]), sized(2, name)]));
  const list = [
    ...(name.length === 0 ? [] : [extension(0, serverName)]),
    ...extensions.map(([type, hex]) => extension(type, Buffer.from(hex, 'hex'))),
  ];
  const body = Buffer.concat([
    Buffer.from([3, 3]),
    randomBytes(32),
    sized(1, Buffer.alloc(0)),
    sized(2, Buffer.from(cipherSuites, 'hex')),
    sized(1, Buffer.from([0])),
    sized(2, Buffer.concat(list)),
  ]);
  const message = Buffer.concat([Buffer.from([1]), sized(3, body)]);
  return Buffer.concat([Buffer.from([22, 3, 1]), sized(2, message)]);
}

function extension(type: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0, type]), sized(2, content)]);
}

function sized(octets: number, content: Buffer): Buffer {
  const length = Buffer.alloc(octets);
  length.writeUIntBE(content.length, 0, octets);
  return Buffer.concat([length, content]);
}

/** Parses what has arrived; `'more'` if it is incomplete. */
function readServer(read: Buffer): HelloOutcome | 'more' {
  const messages: Buffer[] = [];
  for (let offset = 0; offset + 5 <= read.length;) {
    const end = offset + 5 + read.readUInt16BE(offset + 3);
    // Not TLS, or an alert. The alert protocol_version means that TLS 1.2 is not supported (section 7.2.2).
    const type = read[offset];
    if (type !== 22 && type !== 21) return 'over';
    if (end > read.length) break;
    if (type === 21) return read[offset + 6] === 70 ? 'other-version' : 'over';
    messages.push(read.subarray(offset + 5, end));
    offset = end;
  }
  try {
    return readHandshake(Buffer.concat(messages));
  } catch (error) {
    if (error instanceof MtlsError) return 'over';
    throw error;
  }
}

function readHandshake(bytes: Buffer): HelloOutcome | 'more' {
  let hello: Hello = { certificates: [], asks: false, authorities: [] };
  for (let offset = 0; offset + 4 <= bytes.length;) {
    const end = offset + 4 + bytes.readUIntBE(offset + 1, 3);
    if (end > bytes.length) break;
    const body = bytes.subarray(offset + 4, end);
    const type = bytes[offset];
    if (type === 2 && number(body, 0, 2) !== 0x0303) return 'other-version';
    if (type === 11) hello = { ...hello, certificates: vectors(vector(body, 0, 3), 3) };
    if (type === 13) hello = { ...hello, asks: true, authorities: readAuthorities(body) };
    if (type === 14) return hello;
    offset = end;
  }
  return 'more';
}

// Section 7.4.4: certificate types, signature algorithms, names.
function readAuthorities(body: Buffer): string[] {
  const types = vector(body, 0, 1);
  const algorithms = vector(body, 1 + types.length, 2);
  const names = vector(body, 3 + types.length + algorithms.length, 2);
  return vectors(names, 2).map((der) =>
    String(readName(new DerReader(der, { code: 'ERR_MTLS_CERTIFICATE_INVALID', noun: 'name' }))),
  );
}

/** The content after a length prefix. */
function vector(bytes: Buffer, offset: number, octets: number): Buffer {
  const start = offset + octets;
  const end = start + number(bytes, offset, octets);
  if (end > bytes.length) throw tooShort();
  return bytes.subarray(start, end);
}

function number(bytes: Buffer, offset: number, octets: number): number {
  if (offset + octets > bytes.length) throw tooShort();
  return bytes.readUIntBE(offset, octets);
}

function tooShort(): MtlsError {
  return new MtlsError('ERR_MTLS_CERTIFICATE_INVALID', { seen: 'a message from the server is truncated' });
}

function vectors(bytes: Buffer, octets: number): Buffer[] {
  const list: Buffer[] = [];
  for (let offset = 0; offset < bytes.length;) {
    const content = vector(bytes, offset, octets);
    list.push(content);
    offset += octets + content.length;
  }
  return list;
}
