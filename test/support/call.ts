/**
 * Calls a program's server the way a client of its own would.
 *
 * @module
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import https from 'node:https';
import { text } from 'node:stream/consumers';

export interface CallOptions {
  /** The folder with the certificates. */
  readonly certs: string;
  /** The NAME of `NAME-crt.pem`; none: without a certificate. */
  readonly as?: string;
  /** The file with the CA of the server; by default the CA in the folder. */
  readonly ca?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** To keep the connection open. */
  readonly agent?: https.Agent;
}

/** The status and the body, or `'refused'`. */
export async function call(
  url: string,
  { certs, as, ca, method = 'GET', headers = {}, agent }: CallOptions,
): Promise<string> {
  const read = (name: string): Buffer => readFileSync(`${certs}/${name}.pem`);
  const credentials = as === undefined ? {} : { cert: read(`${as}-crt`), key: read(`${as}-key`) };
  const request = https.request(url, {
    method,
    headers,
    agent: agent ?? false,
    ca: ca === undefined ? read('ca-crt') : readFileSync(ca),
    ...credentials,
  });
  try {
    const [response] = (await once(request.end(), 'response')) as [IncomingMessage];
    return `${response.statusCode} ${await text(response)}`;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ECONNRESET' || code === 'EPIPE') return 'refused';
    throw error;
  }
}
