/**
 * node:https with `requestCert` and `rejectUnauthorized`, and `setSecureContext()` when files have changed.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { IncomingMessage } from 'node:http';
import type { PeerCertificate, TLSSocket } from 'node:tls';
import type { Adapter, Files } from '../adapter.js';
import { answerCaller } from '../harness/app.js';
import { serve } from './node-server.js';

export const nodeHttps: Adapter = {
  name: 'node-https',
  title: 'requestCert, rejectUnauthorized, setSecureContext()',
  inNode: true,
  lacks: {
    http2: 'node:https speaks HTTP/1.1',
    hosts: 'node:https leaves the host of a request to the app',
  },
  version: () => process.versions.node,
  start: async ({ files, names }) => {
    const server = createServer(
      { ...read(files), requestCert: true, rejectUnauthorized: true },
      answerCaller(
        (req) => certificateOf(req).subject.CN as unknown as string,
        (req) => certificateOf(req).subjectaltname?.split(', ') ?? [],
      ),
    );
    const addNames = (): void => {
      for (const { name, files: own } of names) server.addContext(name, read(own));
    };
    addNames();
    const reload = (): void => {
      server.setSecureContext(read(files));
      addNames();
    };
    return await serve(server, reload, import.meta.url);
  },
};

function certificateOf(req: IncomingMessage): PeerCertificate {
  return (req.socket as TLSSocket).getPeerCertificate();
}

/** What the documentation of `tls.createSecureContext()` asks for. */
export function read({ key, cert, ca, crl }: Files): {
  key: Buffer;
  cert: Buffer;
  ca: Buffer;
  crl: string[];
} {
  // Of several CRLs in one string, node:tls reads only the first.
  const crls = readFileSync(crl, 'utf8').split(/(?<=-----END X509 CRL-----\n)/);
  return { key: readFileSync(key), cert: readFileSync(cert), ca: readFileSync(ca), crl: crls };
}
