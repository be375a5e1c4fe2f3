/**
 * A client's line to the server, whatever it speaks.
 *
 * @module
 */
import tls from 'node:tls';

/** An answer with status 200. */
export interface Answer {
  /** By the server's word: when it answered, in `machineTime()`, and to whom. */
  readonly at: number;
  readonly by: string;
  /** Of a new connection that brought a session: whether it was resumed. */
  readonly resumed?: boolean | undefined;
  /** Of a new connection with a full handshake: the serial number of the server's certificate. */
  readonly serverSerial?: string | undefined;
}

/** Asks, and connects for it where it has to. */
export interface Line {
  ask(): Promise<Answer>;
  /** Ends what is open; asking again connects again. */
  close(): void;
}

/** Where, as whom, and whom to tell when a connection is ended that the line has not closed itself. */
export interface LineOptions {
  readonly port: number;
  /** The name that the client asks for. */
  readonly servername: string;
  readonly key: string;
  readonly cert: string;
  readonly ca: string;
  readonly onEnd: () => void;
}

/** For TLS; the context is made once for many connections. */
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
 * Reads what the server says of itself.
 * @throws Error for anything but an answer of status 200.
 */
export function readAnswer(status: number | undefined, body: string): Pick<Answer, 'at' | 'by'> {
  if (status !== 200) throw new Error(`answered ${String(status)}: ${body.slice(0, 200)}`);
  return JSON.parse(body) as Pick<Answer, 'at' | 'by'>;
}
