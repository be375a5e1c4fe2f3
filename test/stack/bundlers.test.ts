/**
 * The packed package in bundles, and in the archives of Yarn: a server starts with a CRL that is loaded on the thread,
 * and nothing warns.
 *
 * @module
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, readdirSync } from 'node:fs';
import { beforeAll, expect, jest, test } from '@jest/globals';
import { ca, largeCrl } from '../support/chain.js';
import { codeBlocksOf } from './page.js';
import { Project } from './project.js';

jest.setTimeout(600_000);

const server = `
import { clientOf, createServer, mtlsErrorHandler, requireClient } from 'express-mtls';
import express from 'express';
const app = express();
app.get('/', requireClient(), (req, res) => res.send('hello ' + clientOf(req).commonName));
app.use(mtlsErrorHandler());
process.on('warning', ({ code }) => console.log('warning ' + code));
const [key, cert] = ['certs/server-key.pem', 'certs/server-crt.pem'];
createServer({ key, cert, ca: 'certs/ca-crt.pem', crl: 'certs/long.crl' }, app).then(async (made) => {
  await made.mtls.reload();
  console.log(made.mtls.revocation.crls[0].entries + ' entries');
  process.exit();
});
`;

const loadedOnThread = '20000 entries\n';
let project: Project;
beforeAll(async () => {
  project = await Project.install({
    express: '5.3.0',
    esbuild: '0.28.2',
    rollup: '4.68.8',
    '@rollup/plugin-node-resolve': '16.0.3',
    '@rollup/plugin-commonjs': '29.0.3',
    '@rollup/plugin-json': '6.1.0',
    webpack: '5.113.0',
    'webpack-cli': '7.3.1',
    vite: '8.4.0',
    '@vercel/ncc': '0.45.0',
    postject: '1.0.0-alpha.6',
    '@yarnpkg/cli-dist': '4.18.1',
  });
  project.write('server.mjs', server);
  const root = ca('ca');
  const { pem, keyPem } = root.server();
  // Over 256 kB: shorter CRLs are loaded without the thread.
  const { der } = largeCrl(root, { entries: 20_000, number: 2 });
  const files = { 'ca-crt.pem': root.pem, 'server-crt.pem': pem, 'server-key.pem': keyPem, 'long.crl': der };
  for (const [name, content] of Object.entries(files)) project.write(`certs/${name}`, content);
  // The configurations are those of the page.
  for (const { file, code } of codeBlocksOf('docs/bundlers.md')) project.write(file, code);
});

/** Yarn, with the registry of npm and nothing outside of the folder. */
const yarnCommand = [
  'env',
  ...['YARN_ENABLE_TELEMETRY=0', 'YARN_ENABLE_GLOBAL_CACHE=0', 'YARN_ENABLE_IMMUTABLE_INSTALLS=0'],
  ...['YARN_NODE_LINKER=pnp', `YARN_NPM_REGISTRY_SERVER=${registry()}`],
  ...[process.execPath, '../node_modules/@yarnpkg/cli-dist/bin/yarn.js'],
];

function registry(): string {
  return execFileSync('npm', ['config', 'get', 'registry'], { encoding: 'utf8' }).trim();
}

const node = (...args: string[]): string => project.run(process.execPath, ...args);

test('esbuild, as ES modules', () => {
  node('esbuild.mjs');
  expect(node('dist/server.mjs')).toBe(loadedOnThread);
});

test('esbuild, as CommonJS, and without the thread with one warning', () => {
  const entries = ['server=server.mjs', 'express-mtls-crl-worker=express-mtls/crl-worker'];
  const options = [
    '--bundle',
    '--platform=node',
    '--format=cjs',
    '--out-extension:.js=.cjs',
    '--log-level=error',
  ];
  project.npx('esbuild', ...entries, ...options, '--outdir=cjs');
  expect(node('cjs/server.cjs')).toBe(loadedOnThread);
  project.npx('esbuild', entries[0]!, ...options, '--outdir=alone');
  expect(node('alone/server.cjs')).toBe(`warning MTLS_NO_WORKER\n${loadedOnThread}`);
});

test('rollup', () => {
  project.npx('rollup', '--silent', '-c', 'rollup.config.mjs');
  expect(node('rollup/server.mjs')).toBe(loadedOnThread);
});

test('webpack', () => {
  project.npx('webpack', '--config', 'webpack.config.cjs');
  project.write('webpack/package.json', '{ "type": "commonjs" }\n');
  expect(node('webpack/server.js')).toBe(loadedOnThread);
});

test('vite', () => {
  project.npx('vite', 'build', '--config', 'vite.config.mjs');
  expect(node('vite/server.mjs')).toBe(loadedOnThread);
});

test('ncc', () => {
  project.npx('ncc', 'build', 'server.mjs', '-o', 'ncc', '-q');
  project.npx(
    'ncc',
    'build',
    'node_modules/express-mtls/dist/cjs/material/crl-worker.js',
    '-o',
    'ncc-worker',
    '-q',
  );
  copyFileSync(project.path('ncc-worker/index.js'), project.path('ncc/express-mtls-crl-worker.cjs'));
  const [main = ''] = readdirSync(project.path('ncc')).filter((name) => /^index\.m?js$/.test(name));
  expect(node(`ncc/${main}`)).toBe(loadedOnThread);
});

test('a single executable, with the thread as an asset', () => {
  const entries = ['server=server.mjs', 'express-mtls-crl-worker=express-mtls/crl-worker'];
  const options = [
    '--bundle',
    '--platform=node',
    '--format=cjs',
    '--out-extension:.js=.cjs',
    '--log-level=error',
  ];
  project.npx('esbuild', ...entries, ...options, '--outdir=sea');
  node('--experimental-sea-config', 'sea.json');
  copyFileSync(process.execPath, project.path('app'));
  const fuse = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2';
  project.npx('postject', 'app', 'NODE_SEA_BLOB', 'sea.blob', '--sentinel-fuse', fuse);
  expect(project.run(project.path('app'))).toBe(loadedOnThread);
});

test('Yarn Plug’n’Play, which runs packages from archives', () => {
  const dependencies = { express: '5.3.0', 'express-mtls': `file:${project.tarball}` };
  project.write('pnp/package.json', JSON.stringify({ private: true, type: 'module', dependencies }));
  // Without a file of its own, Yarn takes the folder for a part of the project above.
  project.write('pnp/yarn.lock', '');
  project.write('pnp/server.mjs', server);
  cpSync(project.certs, project.path('pnp/certs'), { recursive: true });
  const yarn = (...args: string[]): string =>
    project.run('sh', '-c', 'cd pnp && exec "$@"', 'sh', ...yarnCommand, ...args);
  yarn('install');
  expect(existsSync(project.path('pnp/node_modules'))).toBe(false);
  expect(yarn('node', 'server.mjs')).toBe(loadedOnThread);
  expect(yarn('express-mtls', '--version')).toMatch(/^\d+\.\d+\.\d+\n$/);
});
