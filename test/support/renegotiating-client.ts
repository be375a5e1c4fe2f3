/**
 * A client that renegotiates with another certificate: a program of our own in C, because node:tls and
 * `openssl s_client` can change no certificate, and cannot stop half-way.
 *
 * @module
 */
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach } from '@jest/globals';
import type { Certificate } from './chain.js';
import { temporaryDirectory, writeMaterial } from './files.js';
import { testWith } from './requirements.js';

const headers = '#include <openssl/ssl.h>\n';

/** A test that compiles C against OpenSSL. */
export const testWithCompiler = testWith(
  spawnSync('cc', ['-E', '-x', 'c', '-'], { input: headers }).status === 0,
  'cc or the headers of OpenSSL are not installed',
);

const running = new Set<ChildProcessWithoutNullStreams>();
afterEach(() => {
  for (const child of running) child.kill('SIGKILL');
  running.clear();
});

let program: string | undefined;

function compile(): string {
  const compiled = path.join(temporaryDirectory(), 'renegotiating-client');
  const source = path.join(__dirname, 'renegotiating-client.c');
  const options = { encoding: 'utf8' } as const;
  const { error, status, stderr } = spawnSync(
    'cc',
    ['-std=gnu11', '-o', compiled, source, '-lssl', '-lcrypto'],
    options,
  );
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`cc failed:\n${stderr}`);
  return compiled;
}

/** What the client answers to a line; see `renegotiating-client.c`. */
export type RenegotiationAnswer =
  'connected' | 'sent' | 'answered' | 'alert' | 'closed' | 'renegotiated' | 'declined' | 'failed' | 'stalled';

export interface RenegotiatingClientOptions {
  readonly port: number;
  /** @defaultValue `localhost` */
  readonly servername?: string;
  /** The CA of the server's certificate, PEM. */
  readonly ca: string;
  readonly certificate: Certificate;
  /** What it presents when it renegotiates. */
  readonly other: Certificate;
}

export class RenegotiatingClient {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string, undefined>;
  #errors = '';

  private constructor({ port, servername, ca, certificate, other }: RenegotiatingClientOptions) {
    program ??= compile();
    const files = writeMaterial(temporaryDirectory(), {
      ca,
      crt: certificate.chainPem,
      key: certificate.keyPem,
      // Longer than what OpenSSL collects before it sends: the message goes out by itself, and the rest can be held back.
      other: other.pem.repeat(12),
      'other-key': other.keyPem,
    });
    this.#child = spawn(program, [
      ...[`${port}`, servername ?? 'localhost', files.ca],
      ...[files.crt, files.key, files.other, files['other-key']],
    ]);
    running.add(this.#child);
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => (this.#errors += text));
    this.#child.stdin.on('error', () => {});
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  /** Makes the TCP connection. */
  static async dial(options: RenegotiatingClientOptions): Promise<RenegotiatingClient> {
    const client = new RenegotiatingClient(options);
    await client.#answer();
    return client;
  }

  /** Makes the connection, with the handshake. */
  static async connect(options: RenegotiatingClientOptions): Promise<RenegotiatingClient> {
    const client = await RenegotiatingClient.dial(options);
    await client.tell('handshake');
    return client;
  }

  /** Has it obey a line. */
  async tell(command: string): Promise<RenegotiationAnswer> {
    this.#child.stdin.write(`${command}\n`);
    return (await this.#answer()) as RenegotiationAnswer;
  }

  async #answer(): Promise<string> {
    const { value } = await this.#lines.next();
    if (value === undefined) throw new Error(`the client has ended: ${this.#errors}`);
    return value;
  }
}
