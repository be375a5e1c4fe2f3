/**
 * The connection of a client to the server, in any protocol.
 *
 * @module
 */
import tls from 'node:tls';

/** An answer with status 200. */
export interface Answer {
  /** The server's answer: its time in `machineTime()`, and the client that it identified. */
  readonly at: number;
  readonly by: string;
  /** For a new connection with a session: whether it was resumed. */
  readonly resumed?: boolean | undefined;
  /** For a new connection with a full handshake: the serial number of the server certificate. */
  readonly serverSerial?: string | undefined;
}

/** Sends requests, and connects if necessary. */
export interface Line {
  ask(): Promise<Answer>;
  /** Closes open connections. The next request connects again. */
  close(): void;
}

/** The server, the client, and the callback for connections that the server closed. */
export interface LineOptions {
  readonly port: number;
  /** The requested server name. */
  readonly servername: string;
  readonly key: string;
  readonly cert: string;
  readonly ca: string;
  readonly onEnd: () => void;
}

/** The TLS options. The context is created once for many connections. */
export function connectOptions({ port, servername, key, cert, ca }: LineOptions): tls.ConnectionOptions & {
  readonly port: number;
  readonly host: string;
} {
  return {
    port,
    host: '127.0.0.1',
    servername,
    secureContext: tls.createSecureContext({ key, cert, ca }),
  };
}

/**
 * Parses the server's answer.
 * @throws Error for any status except 200.
 */
export function readAnswer(status: number | undefined, body: string): Pick<Answer, 'at' | 'by'> {
  if (status !== 200) throw new Error(`answered ${String(status)}: ${body.slice(0, 200)}`);
  return JSON.parse(body) as Pick<Answer, 'at' | 'by'>;
}
