/**
 * A proxy that ends TLS and forwards the client's certificate as RFC 9440 says, as nginx and HAProxy can. It knows no
 * CRL. Request by request it takes the next process.
 *
 * @module
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';

/** Starts the proxy in front of the Unix sockets of the processes. Returns its URL. */
export async function startProxy(
  files: { readonly keyFile: string; readonly certFile: string; readonly caFile: string },
  socketPaths: readonly string[],
): Promise<string> {
  const [key, cert, ca] = [files.keyFile, files.certFile, files.caFile].map((file) => readFileSync(file));
  let requests = 0;
  const proxy = https.createServer({ key, cert, ca, requestCert: true }, (req, res) => {
    const { raw } = (req.socket as TLSSocket).getPeerCertificate();
    // Names of headers are lower case here, so the client's own header of that name is replaced.
    const headers = { ...req.headers, 'client-cert': `:${raw.toString('base64')}:` };
    const socketPath = socketPaths[requests++ % socketPaths.length];
    const { method, url: path } = req;
    const forwarded = request({ socketPath, method, path, headers }, (answer) => {
      res.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(res);
      answer.once('error', () => res.destroy());
    });
    forwarded.once('error', () => res.destroy());
    res.once('close', () => forwarded.destroy());
    req.pipe(forwarded);
  });
  await once(proxy.listen(0, '127.0.0.1'), 'listening');
  return `https://localhost:${(proxy.address() as AddressInfo).port}/`;
}
