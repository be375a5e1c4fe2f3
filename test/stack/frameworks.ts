/**
 * The programs of the pages about frameworks: clients are served and refused, and a revoked one is disconnected.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import type { SecureContextOptions } from 'node:tls';
import { afterEach, describe, expect, test } from '@jest/globals';
import { WebSocket } from 'ws';
import { freePort } from '../support/ports.js';
import { Program } from '../support/program.js';
import { until } from '../support/server.js';
import { clientOf } from './client.js';
import { writeProgram } from './page.js';
import type { Project } from './project.js';

/** The packages that they need. */
export const frameworkVersions = {
  '@grpc/grpc-js': '1.14.7',
  '@hono/node-server': '2.1.9',
  '@koa/router': '15.7.0',
  '@nestjs/common': '12.5.1',
  '@nestjs/core': '12.5.1',
  '@nestjs/platform-express': '12.5.1',
  '@trpc/server': '11.25.2',
  '@types/express': '5.0.6',
  '@types/node': '22.20.5',
  'express-ws': '5.0.2',
  hono: '4.13.19',
  koa: '3.3.0',
  'reflect-metadata': '0.2.2',
  rxjs: '7.8.2',
  typescript: '5.9.3',
};

const others = 'docs/other-frameworks.md';
const forbidden = 'ERR_MTLS_CLIENT_FORBIDDEN';

interface Framework {
  readonly name: string;
  readonly document: string;
  readonly file: string;
  /** The paths that every client may call, and that only client1 may call. */
  readonly paths: readonly [open: string, ...guarded: string[]];
  readonly refusal: RegExp;
}

const frameworks: readonly Framework[] = [
  {
    name: 'NestJS',
    document: 'docs/nestjs.md',
    file: 'app.ts',
    paths: ['/', '/admin', '/reports'],
    // By the filter, and for the middleware by NestJS itself.
    refusal:
      /^\{"type":"about:blank",.*"status":403,.*FORBIDDEN"\}\n$|^\{"statusCode":403,"message":"the rule /,
  },
  {
    name: 'Koa',
    document: others,
    file: 'koa.mjs',
    paths: ['/', '/admin'],
    refusal: /^the rule of this route/,
  },
  {
    name: 'Hono',
    document: others,
    file: 'hono.mjs',
    paths: ['/', '/admin'],
    refusal: new RegExp(`^\\{"code":"${forbidden}"\\}$`),
  },
  {
    name: 'tRPC',
    document: others,
    file: 'trpc.mjs',
    paths: ['/hello', '/admin'],
    refusal: new RegExp(forbidden),
  },
];

/** How long anything may take on a busy machine, in milliseconds. */
const patience = 60_000;

/** Defines the tests. */
export function testFrameworks(projectOf: () => Project): void {
  test.each(frameworks)(
    'a server of $name serves its clients, answers 403, and disconnects a revoked client',
    async ({ name, document, file, paths: [open, ...guarded], refusal }) => {
      const project = projectOf();
      const server = await serve(project, document, file);
      const certificate = `${name.toLowerCase()}-client`;
      await project.ca.issueClient(certificate);
      const [first, second] = [clientOf(project, server, 'client1'), clientOf(project, server, certificate)];
      expect(await first.get(open)).toMatchObject({
        status: 200,
        body: expect.stringContaining('hello client1'),
      });
      for (const path of guarded) {
        expect(await first.get(path)).toMatchObject({
          status: 200,
          body: expect.stringContaining('welcome'),
        });
        expect(await second.get(path)).toMatchObject({ status: 403, body: expect.stringMatching(refusal) });
      }
      expect(await second.get(open)).toMatchObject({
        status: 200,
        body: expect.stringContaining(`hello ${certificate}`),
      });
      await project.ca.revoke(certificate);
      await until(() => second.connection.isClosed, 'the revoked client is disconnected', patience);
      expect(await second.get(open)).toMatchObject({ status: 'refused' });
      expect(await first.get(open)).toMatchObject({ status: 200 });
    },
  );

  test('NestJS answers 403 without the filter too, as for an error of http-errors', async () => {
    const project = projectOf();
    const filter = 'app.useGlobalFilters(new MtlsFilter());\n';
    const server = await serve(project, 'docs/nestjs.md', 'app.ts', filter);
    expect(await clientOf(project, server, 'client2').get('/admin')).toMatchObject({
      status: 403,
      body: '{"statusCode":403,"message":"the rule of this route forbids the request"}',
    });
  });

  describe('express-ws', () => {
    const sockets: WebSocket[] = [];
    afterEach(() => {
      for (const socket of sockets.splice(0)) socket.terminate();
    });

    function connect(project: Project, port: number, name: string): { socket: WebSocket; seen: string[] } {
      const socket = new WebSocket(`wss://localhost:${port}/chat`, credentials(project, name));
      sockets.push(socket);
      const seen: string[] = [];
      for (const event of ['open', 'close']) socket.on(event, () => seen.push(event));
      socket.on('message', (data: Buffer) => seen.push(String(data)));
      socket.on('error', () => {});
      return { socket, seen };
    }

    test('lets its clients talk, closes the WebSocket of others, and disconnects a revoked client', async () => {
      const project = projectOf();
      const { port } = await serve(project, 'docs/websocket-and-http2.md', 'express-ws.mjs');
      await project.ca.issueClient('stranger');
      const stranger = connect(project, port, 'stranger');
      await until(() => stranger.seen.includes('close'), 'the stranger is disconnected', patience);
      expect(stranger.seen).toEqual(['open', 'close']);
      const [first, second] = [connect(project, port, 'client1'), connect(project, port, 'client2')];
      await until(() => second.seen.includes('welcome client2'), 'client2 is welcome', patience);
      second.socket.send('hello');
      await until(() => second.seen.includes('client2: hello'), 'client2 is answered', patience);
      await project.ca.revoke('client2');
      await until(() => second.seen.includes('close'), 'the revoked client is disconnected', patience);
      first.socket.send('still here');
      await until(() => first.seen.includes('client1: still here'), 'client1 is answered', patience);
    });
  });

  test('a server of gRPC serves calls by identity, and ends the stream of a revoked client', async () => {
    const project = projectOf();
    const { port } = await serve(project, others, 'grpc.mjs');
    for (const name of ['client3', 'client4']) await project.ca.issueClient(name);
    project.write('grpc-client.mjs', grpcClient);
    const start = (name: string): Program =>
      new Program(project.path('grpc-client.mjs'), { args: [name, `${port}`], cwd: project.folder });
    const { output } = await start('client3').ended();
    // 7 is PERMISSION_DENIED, 14 UNAVAILABLE.
    expect(output).toBe('hello client3\nended with 7\nhello client3\n');
    const client = start('client1');
    await client.wrote(/^watching for client1$/m);
    await project.ca.revoke('client1');
    expect((await client.ended()).output).toBe(
      'hello client1\nwatching for client1\nended with 14\nrefused with 14\n',
    );
  });
}

function credentials(project: Project, name: string): SecureContextOptions {
  const read = (file: string): Buffer => readFileSync(project.path('certs', `${file}.pem`));
  return { ca: read('ca-crt'), cert: read(`${name}-crt`), key: read(`${name}-key`) };
}

const grpcClient = `
import { readFileSync } from 'node:fs';
import grpc from '@grpc/grpc-js';

const [name, port] = process.argv.slice(2);
const read = (file) => readFileSync('certs/' + file + '.pem');
const credentials = grpc.credentials.createSsl(read('ca-crt'), read(name + '-key'), read(name + '-crt'));
const client = new grpc.Client('localhost:' + port, credentials);
const text = [(value) => Buffer.from(value), String];
const greet = () =>
  new Promise((resolve) => {
    client.makeUnaryRequest('/Greeter/Greet', ...text, 'hello', (error, greeting) => {
      resolve(error === null ? greeting : 'refused with ' + error.code);
    });
  });
console.log(await greet());
const stream = client.makeServerStreamRequest('/Greeter/Watch', ...text, 'please');
stream.on('data', (line) => console.log(line));
stream.once('error', async ({ code }) => {
  console.log('ended with ' + code);
  console.log(await greet());
  client.close();
});
`;

/** Starts a program of a page on a port of its own, without one of its lines. */
async function serve(
  project: Project,
  document: string,
  file: string,
  omitted = '',
): Promise<{ port: number }> {
  const port = await freePort();
  const written = writeProgram(project, document, file, port);
  const code = readFileSync(written, 'utf8');
  if (!code.includes(omitted)) throw new Error(`${file} of ${document} has no ${omitted}`);
  project.write(file, code.replace(omitted, ''));
  await project.serveOn(port, process.execPath, file.endsWith('.ts') ? compile(project, file) : file);
  return { port: Number(port) };
}

/** Compiles a program with decorators, as a project of NestJS does. Returns the file to run. */
function compile(project: Project, file: string): string {
  const options = {
    ...{ module: 'nodenext', target: 'es2022', strict: true, skipLibCheck: true, outDir: 'dist' },
    ...{ experimentalDecorators: true, emitDecoratorMetadata: true },
  };
  project.write('tsconfig.json', JSON.stringify({ compilerOptions: options, files: [file] }));
  project.npx('tsc');
  return `dist/${file.replace('.ts', '.js')}`;
}
