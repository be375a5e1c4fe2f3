/**
 * Servers in processes of their own, where a test is about what processes share.
 *
 * @module
 */
import type { MtlsOptions } from 'express-mtls';
import { Program } from './program.js';
import type { Certificate } from './chain.js';
import { Client, type ClientOptions } from './client.js';
import { type Material, until } from './server.js';

export interface ProcessOptions {
  readonly options: MtlsOptions;
  /** In hexadecimal. */
  readonly ticketKeys?: string | undefined;
  /** How many workers of a cluster serve; one that ends is replaced. @defaultValue `0`: the process itself serves */
  readonly workers?: number;
  /** How many threads serve, each on a port of its own. @defaultValue `0`: none but the process's own */
  readonly threads?: number;
}

/** What {@link ProcessServer.figures} answers. */
export interface ProcessFigures {
  /** In use after a collection of garbage, in bytes. */
  readonly heapUsed: number;
  /** Of all threads so far, in milliseconds. */
  readonly cpuMs: number;
}

/** What such a server reports about itself. */
export interface ProcessReport {
  readonly event: 'listening' | 'reloaded' | 'refused';
  readonly port?: number;
  readonly reason?: string;
  readonly resumed?: boolean;
  /** The number of the worker or the thread; `0` where there are none. */
  readonly by: number;
}

export class ProcessServer {
  readonly #program: Program;
  readonly #ca: string;
  #port = 0;

  private constructor({ root }: Material, options: ProcessOptions, heapMb: number | undefined) {
    this.#program = new Program('test/support/server-program.ts', {
      args: [JSON.stringify(options)],
      env: heapMb === undefined ? {} : { NODE_OPTIONS: `--max-old-space-size=${heapMb}` },
    });
    this.#ca = root.pem;
  }

  /**
   * Starts a server on this material, and waits until it listens, with all its workers.
   * @param heapMb - The size of its heap.
   */
  static async start(
    files: Material,
    { options, ...given }: Omit<ProcessOptions, 'options'> & { options?: Partial<MtlsOptions> },
    heapMb?: number,
  ): Promise<ProcessServer> {
    const server = new ProcessServer(files, { options: { ...files.options, ...options }, ...given }, heapMb);
    await server.#program.wrote(/"listening"/);
    await server.tells('listening', given.workers ?? given.threads ?? 1);
    server.#port = server.reports('listening')[0]?.port ?? 0;
    return server;
  }

  /** What it has reported of an event so far. */
  reports(event: ProcessReport['event']): ProcessReport[] {
    const lines = this.#program.output.split('\n').slice(0, -1);
    return lines
      .filter((line) => line.startsWith('{"event"'))
      .map((line) => JSON.parse(line) as ProcessReport)
      .filter((report) => report.event === event);
  }

  /** Waits until it has reported an event this many times. */
  async tells(event: ProcessReport['event'], times = 1): Promise<void> {
    await until(
      () => this.reports(event).length >= times,
      `the server tells of "${event}" ${times} times`,
      20_000,
    );
  }

  /** What it has written so far. */
  get output(): string {
    return this.#program.output;
  }

  /** What it uses, by a client that is admitted. */
  async figures(client: Client): Promise<ProcessFigures> {
    const { body } = await client.get('/figures');
    return JSON.parse(body) as ProcessFigures;
  }

  /** Sends it a signal. */
  signal(name: NodeJS.Signals): void {
    this.#program.signal(name);
  }

  /** A client with this certificate, of the first port unless told. */
  as(certificate: Certificate, options?: ClientOptions, port: number = this.#port): Client {
    return new Client({ port, ca: this.#ca }, certificate, options);
  }
}
