/**
 * The packed package in other runtimes, and as older TypeScript finds its types.
 *
 * @module
 */
import { beforeAll, describe, expect, jest, test } from '@jest/globals';
import { until } from '../support/server.js';
import { clientOf } from './client.js';
import { Project } from './project.js';

jest.setTimeout(300_000);

let project: Project;
beforeAll(async () => {
  const versions = {
    express: '5.3.0',
    bun: '1.4.5',
    deno: '2.9.6',
    typescript: '5.9.3',
    'prom-client': '15.1.3',
  };
  project = await Project.install({ ...versions, '@types/node': '22.20.5', '@types/express': '5.0.6' });
  project.write('server.mjs', program);
});

const program = `
import { clientOf, createServer, mtlsErrorHandler, requireClient } from 'express-mtls';
import express from 'express';

const app = express();
app.get('/', requireClient(), (req, res) => res.send('hello ' + clientOf(req).commonName));
app.use(mtlsErrorHandler());
const [key, cert] = ['certs/server-key.pem', 'certs/server-crt.pem'];
const [ca, crl] = ['certs/ca-crt.pem', 'certs/ca-crl.pem'];
try {
  const server = await createServer({ key, cert, ca, crl, watch: { pollMs: 100 } }, app);
  server.keepAliveTimeout = 0;
  server.listen(0, '127.0.0.1', () => console.log('listening ' + server.address().port));
} catch ({ code, message }) {
  console.log(code, message);
}
`;

test('Deno serves a client, and disconnects it when it is revoked', async () => {
  const args = [
    '--no-install',
    'deno',
    'run',
    '--allow-net',
    '--allow-read',
    '--allow-env',
    '--allow-sys',
    'server.mjs',
  ];
  const server = await project.serve('npx', args);
  const client = clientOf(project, server, 'client1');
  expect(await client.get()).toMatchObject({ status: 200, body: 'hello client1' });
  await project.ca.revoke('client1');
  await until(() => client.connection.isClosed, 'the client is disconnected');
  expect(await client.get()).toMatchObject({ status: 'refused' });
  expect(await clientOf(project, server, 'client2').get()).toMatchObject({
    status: 200,
    body: 'hello client2',
  });
});

test('Bun is refused by name', () => {
  expect(project.npx('bun', 'server.mjs')).toMatch(
    /^ERR_MTLS_RUNTIME_UNSUPPORTED this is Bun 1\.4\.5, which cannot replace the secure context/,
  );
});

describe('the permission model of Node', () => {
  const flag = process.allowedNodeEnvironmentFlags.has('--permission')
    ? '--permission'
    : '--experimental-permission';
  const more = process.allowedNodeEnvironmentFlags.has('--allow-net') ? ['--allow-net'] : [];

  test('lets a server start with the flags of the page', async () => {
    const flags = [flag, `--allow-fs-read=${project.folder}/*`, '--allow-worker', ...more];
    const server = await project.serve(process.execPath, [...flags, 'server.mjs']);
    expect(await clientOf(project, server, 'client2').get()).toMatchObject({ status: 200 });
  });

  test('has its flag in the error for a file', () => {
    const readable = ['node_modules/*', 'server.mjs', 'package.json'].map(
      (name) => `--allow-fs-read=${project.path(name)}`,
    );
    const output = project.run(process.execPath, flag, ...readable, ...more, 'server.mjs');
    expect(output).toMatch(/ERR_ACCESS_DENIED.*start Node with --allow-fs-read=.*server-key\.pem/);
  });
});

test('the types of every subpath are found under moduleResolution node10', () => {
  const imports = ['', '/revocation', '/dev-ca', '/metrics', '/status']
    .map(
      (entry, index) =>
        `import * as entry${index} from 'express-mtls${entry}';\nexport const all${index} = Object.keys(entry${index});`,
    )
    .join('\n');
  project.write('node10/main.ts', `${imports}\nexport const wrong: number = entry0.createServer;\n`);
  const options = [
    '--module',
    'commonjs',
    '--moduleResolution',
    'node10',
    '--target',
    'es2022',
    '--strict',
    '--noEmit',
  ];
  expect(() => project.npx('tsc', ...options, '--skipLibCheck', 'node10/main.ts')).toThrow(
    // That types were found: the one error is the wrong use of them.
    /main\.ts\(11,14\): error TS2322: Type '\{/,
  );
  project.write('node10/main.ts', imports);
  expect(project.npx('tsc', ...options, '--skipLibCheck', 'node10/main.ts')).toBe('');
});
