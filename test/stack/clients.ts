/**
 * The programs of the page about clients: which certificate arrives, on which connection, before and after a renewal.
 *
 * @module
 */
import { execFile, spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import type { Socket } from 'node:net';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import { createServer, identify } from 'express-mtls';
import { readDocument } from '../support/markdown.js';
import { testWith } from '../support/requirements.js';
import { listen, until } from '../support/server.js';
import { writeProgram } from './page.js';
import type { Project, Served } from './project.js';

/** The packages that they need. */
export const clientVersions = { axios: '1.21.1', undici: '7.30.2' };

const page = 'docs/clients.md';

interface ClientProgram {
  readonly name: string;
  readonly file: string;
  /** A program that calls three times, waits until the certificate is renewed, calls, reloads, and calls again. */
  readonly driver: string;
  readonly command: readonly string[];
  readonly test: ReturnType<typeof testWith>;
}

const javaScript = (file: string): Pick<ClientProgram, 'driver' | 'command' | 'file'> => ({
  file,
  command: [process.execPath, 'driver.mjs'],
  driver: `
import { existsSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { call, reload } from './${file}';

const report = async () => console.log(await call('https://localhost:PORT/'));
for (const _ of 'abc') {
  await report();
  // Until the connection is idle.
  await setTimeout(100);
}
console.log('ready');
while (!existsSync('renewed')) await setTimeout(50);
await report();
await reload();
await report();
process.exit();
`,
});

const programs: readonly ClientProgram[] = [
  { name: 'fetch', ...javaScript('fetch.mjs'), test },
  { name: 'axios', ...javaScript('axios.mjs'), test },
  {
    name: 'Python',
    file: 'client.py',
    command: ['python3', 'driver.py'],
    driver: `
from os.path import exists
from time import sleep
from client import call, reload

for _ in "abc":
    print(call("/"), flush=True)
print("ready", flush=True)
while not exists("renewed"):
    sleep(0.05)
print(call("/"))
reload()
print(call("/"))
`,
    test: testWith(runs('python3', '--version'), 'python3 is not installed'),
  },
  {
    name: 'Java',
    file: 'Client.java',
    command: ['java', '-cp', '.', 'Driver'],
    driver: `
import java.nio.file.Files;
import java.nio.file.Path;

public class Driver {
  public static void main(String[] args) throws Exception {
    var client = new Client();
    for (var call = 0; call < 3; call++) System.out.println(client.call("https://localhost:PORT/"));
    System.out.println("ready");
    while (!Files.exists(Path.of("renewed"))) Thread.sleep(50);
    System.out.println(client.call("https://localhost:PORT/"));
    client.reload();
    System.out.println(client.call("https://localhost:PORT/"));
    System.exit(0);
  }
}
`,
    test: testWith(runs('javac', '-version'), 'javac is not installed'),
  },
];

/** How long a program may take on a busy machine, in milliseconds. */
const patience = 120_000;

/** Defines the tests. */
export function testClients(projectOf: () => Project): void {
  for (const program of programs) {
    program.test(
      `${program.name} keeps its connection, and sends a renewed certificate on a new one`,
      async () => {
        const project = projectOf();
        const port = await serve(project);
        const renew = await renewal(project);
        const client = startDriver(project, port, program);
        await until(
          () => client.hasEnded || client.output.includes('ready\n'),
          'it has called three times',
          patience,
        );
        const before = serialOf(project);
        await renew();
        const after = serialOf(project);
        await until(() => client.hasEnded, 'it has called with the new certificate', patience);

        const [, first, second, third, kept, fresh] =
          /^(.*)\n(.*)\n(.*)\nready\n(.*)\n(.*)\n$/.exec(client.output)?.map(parseLine) ?? [];
        const serials = [first, second, third, kept, fresh].map((line) => line?.serial);
        expect([serials, client.output]).toEqual([[before, before, before, before, after], client.output]);
        expect(new Set([first, second, third, kept].map((line) => line?.connection)).size).toBeLessThan(4);
        expect([first, second, third, kept].map((line) => line?.connection)).not.toContain(fresh?.connection);
      },
    );
  }

  const testWithCurl = testWith(runs('curl', '--version'), 'curl is not installed');
  testWithCurl('curl keeps its connection in one command, and reads the certificate in each', async () => {
    const project = projectOf();
    const port = await serve(project);
    const [, command = ''] = /^\$ (curl .*)$/m.exec(readDocument(page)) ?? [];
    const call = async (): Promise<(Line | undefined)[]> => {
      const line = `${command.replaceAll('4433', port)} --silent --show-error --write-out '\\n'`;
      const { stdout } = await execute('sh', ['-c', line], { cwd: project.folder });
      return stdout.trim().split('\n').map(parseLine);
    };
    const before = serialOf(project);
    expect(await call()).toEqual([1, 1].map((connection) => ({ serial: before, connection })));
    await (
      await renewal(project)
    )();
    const after = serialOf(project);
    expect(after).not.toBe(before);
    expect(await call()).toEqual([2, 2].map((connection) => ({ serial: after, connection })));
  });
}

/** Starts a server that answers with the serial number of the client and the number of its connection. */
async function serve(project: Project): Promise<string> {
  const file = (name: string): string => project.path('certs', name);
  const [key, cert] = [file('server-key.pem'), file('server-crt.pem')];
  const [ca, crl] = [file('ca-crt.pem'), file('ca-crl.pem')];
  const numbers = new Map<Socket, number>();
  const server = await createServer({ key, cert, ca, crl }, (req, res) => {
    const number = numbers.get(req.socket) ?? numbers.size + 1;
    numbers.set(req.socket, number);
    res.end(`${identify(req)?.serialNumber} ${number}`);
  });
  server.keepAliveTimeout = 0;
  return `${await listen(server)}`;
}

/** Prepares a renewal. */
async function renewal(project: Project): Promise<() => Promise<void>> {
  rmSync(project.path('renewed'), { force: true });
  // For Java.
  await project.ca.writePkcs12('client1');
  return async () => {
    await project.ca.renew('client1');
    await project.ca.writePkcs12('client1');
    project.write('renewed', '');
  };
}

function startDriver(project: Project, port: string, { file, driver, command }: ClientProgram): Served {
  writeProgram(project, page, file, port);
  const [name = '', ...args] = command;
  const driverFile = file === 'Client.java' ? 'Driver.java' : file.replace(/.*\./, 'driver.');
  project.write(driverFile, driver.replaceAll('PORT', port));
  if (name === 'java') project.run('javac', file, driverFile);
  return project.start(name, args);
}

function serialOf(project: Project): string {
  const pem = readFileSync(project.path('certs/client1-crt.pem'));
  return new X509Certificate(pem).serialNumber.toLowerCase();
}

interface Line {
  readonly serial: string | undefined;
  readonly connection: number;
}

function parseLine(line: string): Line | undefined {
  const [, serial, connection] = /^([0-9a-f]+) (\d+)$/.exec(line) ?? [];
  return serial === undefined ? undefined : { serial, connection: Number(connection) };
}

function runs(command: string, ...args: string[]): boolean {
  return spawnSync(command, args).status === 0;
}

const execute = promisify(execFile);
