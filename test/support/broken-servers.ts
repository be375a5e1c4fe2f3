/**
 * Servers that are broken on purpose, so that each check of the conformance suite is seen to fail.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { createSecureServer } from 'node:http2';
import { createServer } from 'node:https';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Adapter, Material, RunningServer } from '../../conformance/adapter.js';
import { read } from '../../conformance/adapters/node-https.js';
import { serve } from '../../conformance/adapters/node-server.js';
import { answerCaller, nameHeader } from '../../conformance/harness/app.js';

const common = { title: 'broken on purpose', inNode: true, version: () => '1' };
const source = import.meta.url;

/** Serves everybody, never reads its files again, and believes every name that it is told. */
export function openServer(name: string, whoIs: (req: IncomingMessage) => string | null): Adapter {
  return {
    ...common,
    name,
    start: async ({ files: { key, cert } }) => {
      const server = createSecureServer({
        ...{ key: readFileSync(key), cert: readFileSync(cert) },
        ...{ allowHTTP1: true, requestCert: true, rejectUnauthorized: false },
      });
      server.on('request', answerCaller(whoIs, wrongAlternativeNames) as never);
      return await serve(server, () => undefined, source);
    },
  };
}

function commonNames(req: IncomingMessage): string[] {
  const { subject } = (req.socket as TLSSocket).getPeerCertificate() as {
    subject?: { CN?: string | string[] };
  };
  return [subject?.CN ?? []].flat();
}

/**
 * Takes the text of Node apart without regard to quotes and NULs, takes a URI for what it contains and the commonName
 * for a DNS name, and knows no addresses.
 */
function wrongAlternativeNames(req: IncomingMessage): readonly string[] {
  const { subjectaltname = `DNS:${commonNames(req)[0]}` } = (req.socket as TLSSocket).getPeerCertificate();
  return subjectaltname
    .replaceAll('"', '')
    .replaceAll(String.raw`\u0000`, '\0')
    .split(', ')
    .filter((name) => !name.startsWith('IP Address'))
    .map((name) => name.replace('URI:', '').split('\0')[0] ?? '');
}

/** Ways to get a name wrong. */
export const wrongNames: Readonly<Record<string, (req: IncomingMessage) => string | null>> = {
  // The first name, cut at a NUL and trimmed, or what stands in for it; a header has precedence.
  first: (req) => {
    const told =
      req.headers[nameHeader.toLowerCase()] ?? req.headers[nameHeader.replaceAll('-', '_').toLowerCase()];
    if (typeof told === 'string') return told;
    if (/x-client-name/i.test(req.headers.connection ?? '')) return null;
    const certificate = (req.socket as TLSSocket).getPeerCertificate() as {
      subject?: { O?: string };
      subjectaltname?: string;
    };
    const stand = certificate.subject?.O ?? certificate.subjectaltname?.replace('DNS:', '') ?? null;
    return commonNames(req)[0]?.split('\0')[0]?.trim() ?? stand;
  },
  raw: (req) => commonNames(req).join(',CN='),
  slashes: (req) => commonNames(req).join('/CN='),
  pluses: (req) => commonNames(req).join('+CN='),
  'without NUL': (req) => commonNames(req).join('').replaceAll('\0', ''),
  'once a connection': (req) =>
    (req.socket as TLSSocket).isSessionReused() ? null : (commonNames(req)[0] ?? null),
  'the first caller': (() => {
    let first: string | undefined;
    return (req: IncomingMessage) => {
      const [name = ''] = commonNames(req);
      if (name !== 'good') first ??= name;
      return name === 'good' ? name : (first ?? name);
    };
  })(),
};

/** Refuses everybody. */
export const shutServer: Adapter = {
  ...common,
  name: 'shut',
  start: async ({ files: { key, cert } }) => {
    const server = createServer({ key: readFileSync(key), cert: readFileSync(cert) });
    server.on('secureConnection', (socket) => socket.destroy());
    return await serve(server, () => undefined, source);
  },
};

/** Reads its files and ends every connection with it; one odd client, or many at once, and it answers nobody any more. */
export const nervousServer: Adapter = {
  ...common,
  name: 'nervous',
  start: async ({ files }: Material): Promise<RunningServer> => {
    const server = createServer(
      { ...read(files), requestCert: true, rejectUnauthorized: true },
      answerCaller((req) => commonNames(req)[0]),
    );
    const sockets = new Set<Socket>();
    let isStopped = false;
    const stop = (): void => {
      isStopped = true;
    };
    server.on('connection', (socket: Socket) => {
      if (isStopped) socket.destroy();
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
      if (sockets.size > 100) stop();
    });
    server.on('tlsClientError', stop);
    server.on('secureConnection', (socket) => {
      if (socket.getPeerCertificate().raw.length > 5000) stop();
    });
    const reload = (): void => {
      for (const socket of sockets) socket.destroy();
      server.setSecureContext(read(files));
    };
    return await serve(server, reload, source);
  },
};
