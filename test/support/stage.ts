/**
 * What the tests of the servers have in common: a CA with three clients, the example as a program, and a
 * revocation whose effects are timed.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import type { SecureContextOptions } from 'node:tls';
import { type DevCa, openDevCa } from 'express-mtls/dev-ca';
import { ownTime } from './elapsed.js';
import { temporaryDirectory } from './files.js';
import { until } from './server.js';
import { call, type CallOptions } from './call.js';
import { Program } from './program.js';

export class Stage {
  readonly program: Program;
  readonly url: string;
  readonly certs: string;
  readonly #ca: DevCa;

  private constructor(program: Program, url: string, certs: string, ca: DevCa) {
    this.program = program;
    this.url = url;
    this.certs = certs;
    this.#ca = ca;
  }

  /** Starts an example, with certificates for client1, client2 and client3, and waits until it listens. */
  static async set(example: string, env: Readonly<Record<string, string>> = {}): Promise<Stage> {
    const certs = temporaryDirectory();
    const ca = await openDevCa(certs);
    await ca.issueServer();
    for (const name of ['client1', 'client2', 'client3']) await ca.issueClient(name);
    const program = new Program(example, { env: { CERTS: certs, PORT: '0', ...env } });
    const [, port = ''] = await program.wrote(/ on (?:https|wss):\/\/localhost:(\d+)\n/);
    return new Stage(program, `https://localhost:${port}`, certs, ca);
  }

  /** What a client of that name connects with; without a name, one that has no certificate. */
  credentials(name?: string): SecureContextOptions {
    const read = (file: string): Buffer => readFileSync(`${this.certs}/${file}.pem`);
    const ca = read('ca-crt');
    return name === undefined ? { ca } : { ca, cert: read(`${name}-crt`), key: read(`${name}-key`) };
  }

  /** Calls a path. */
  async call(path: string, as?: string, options: Partial<CallOptions> = {}): Promise<string> {
    return await call(this.url + path, {
      certs: this.certs,
      ...(as === undefined ? {} : { as }),
      ...options,
    });
  }

  /**
   * Revokes a client.
   * @returns How long it took until it was out, in milliseconds.
   */
  async revoke(name: string, isOut: () => boolean | Promise<boolean>): Promise<number> {
    await this.#ca.revoke(name);
    const published = ownTime();
    await until(isOut, `${name} is disconnected`);
    return ownTime() - published;
  }
}

/** What `isOut` may take: a look at the files every 500 ms, and a machine with other work. */
export const aboutASecond = 1500;
