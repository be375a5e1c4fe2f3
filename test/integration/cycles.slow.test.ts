/**
 * CAs that certify each other, as in a bridge or a rollover: no handshake walks in the circle. node:tls does, in
 * native code, until the heap is full; so each server here is a process of its own with a small heap.
 */
import { createServer as createTlsServer } from 'node:tls';
import { expect, test } from '@jest/globals';
import type { MtlsOptions } from 'express-mtls';
import { type Certificate, type CertificateAuthority, ca } from '../support/chain.js';
import { temporaryDirectory, writeMaterial } from '../support/files.js';
import { ProcessServer } from '../support/process-server.js';
import { listen, material, publish } from '../support/server.js';
import { Program } from '../support/program.js';

const heapMb = 96;

interface Circle {
  /** The CA with its self-signed certificate. */
  readonly roots: readonly CertificateAuthority[];
  /** Their certificates from each other, which stand before the self-signed ones. */
  readonly crossed: readonly CertificateAuthority[];
}

/** Each CA has a certificate from the next one, and the last from the first. */
function circleOf(...roots: readonly CertificateAuthority[]): Circle {
  const crossed = roots.map((root, index) => {
    const above = roots[(index + 1) % roots.length] as CertificateAuthority;
    return above.intermediate({ commonName: `ca${index}`, privateKey: root.privateKey });
  });
  return { roots, crossed };
}

function circle(size: number): Circle {
  return circleOf(...Array.from({ length: size }, (_, index) => ca(`ca${index}`)));
}

function pemOf({ roots, crossed }: Circle): string {
  return [...crossed, ...roots].map(({ pem }) => pem).join('');
}

/** Those that are good, and strangers whose certificates name a CA of the circle as their issuer. */
function callersOf({ roots: [first] }: Circle): { good: Certificate; strangers: Certificate[] } {
  const root = first as CertificateAuthority;
  const forger = ca({ commonName: 'ca0' });
  return {
    good: root.client('client1'),
    strangers: [
      forger.client('client2'),
      // Which names the CA's key as well.
      forger.client({ commonName: 'client3', authorityKeyId: root.keyId }),
      ca('other').client('client4'),
    ],
  };
}

const refusals: readonly Partial<MtlsOptions>[] = [{}, { refusals: 'native' }, { onRefused: 'respond' }];
const cases = [2, 3].flatMap((size) => refusals.map((options) => ({ size, options })));

test.each(cases)(
  'with a circle of $size CAs and $options, handshakes take no longer, and good clients are served',
  async ({ size, options }) => {
    const given = circle(size);
    const files = material({
      root: given.roots[0] as CertificateAuthority,
      cas: [...given.crossed, ...given.roots],
      crl: null,
    });
    const server = await ProcessServer.start(files, { options }, heapMb);
    await expectUnharmed(server, callersOf(given));
    const reasons = server.reports('refused').map(({ reason }) => reason);
    expect([...new Set(reasons)]).toEqual(['untrusted']);
  },
);

test('so it is where the circle has no self-signed certificate, and stands beside another root', async () => {
  const { roots, crossed } = circle(2);
  const root = ca('root');
  const files = material({ root, cas: [...crossed, root], crl: null });
  const server = await ProcessServer.start(files, {}, heapMb);
  const { strangers } = callersOf({ roots, crossed });
  // Which the circle has issued: nothing is wrong with it but that no root is above it.
  const lost = (roots[0] as CertificateAuthority).client('client5');
  await expectUnharmed(server, { good: root.client('client1'), strangers: [...strangers, lost] });
});

test('so it is after a reload that brings the circle', async () => {
  const given = circle(2);
  const root = given.roots[0] as CertificateAuthority;
  const files = material({ root, crl: null });
  const server = await ProcessServer.start(files, {}, heapMb);
  publish(files.files.ca, pemOf(given));
  await server.tells('reloaded');
  await expectUnharmed(server, callersOf(given));
});

test('so it is under a name of sni', async () => {
  const given = circle(2);
  const root = given.roots[0] as CertificateAuthority;
  const serverCertificate = root.server({ sans: { dns: ['localhost', 'circle.example'] } });
  const files = material({ root, serverCertificate, crl: null });
  const { key, cert } = files.options;
  const sni = { 'circle.example': { key, cert, ca: pemOf(given) } } as NonNullable<MtlsOptions['sni']>;
  const server = await ProcessServer.start(files, { options: { sni } }, heapMb);
  await expectUnharmed(server, callersOf(given), 'circle.example');
});

test('inspect visits a server whose issuer is in a circle of CAs that this machine trusts', async () => {
  const given = circle(2);
  const { keyPem: key, pem: cert } = (given.roots[0] as CertificateAuthority).server();
  const server = createTlsServer({ key, cert });
  server.on('tlsClientError', () => undefined);
  const url = `https://localhost:${await listen(server)}`;
  const { extra } = writeMaterial(temporaryDirectory(), {
    extra: given.crossed.map(({ pem }) => pem).join(''),
  });
  const program = new Program('test/support/command-program.ts', {
    args: ['inspect', url],
    env: { NODE_EXTRA_CA_CERTS: extra, NODE_OPTIONS: `--max-old-space-size=${heapMb}` },
  });
  const { output } = await program.ended();
  expect(output).toContain('server certificate');
  expect(output).toContain('CN=localhost');
});

async function expectUnharmed(
  server: ProcessServer,
  { good, strangers }: { good: Certificate; strangers: readonly Certificate[] },
  servername = 'localhost',
): Promise<void> {
  const client = server.as(good, { servername, keepAlive: true });
  const headers = { Host: servername };
  expect(await client.get('/', { headers })).toMatchObject({ status: 200 });
  const call = async (certificate: Certificate): Promise<void> => {
    const { status } = await server.as(certificate, { servername }).get('/', { headers });
    expect(['refused', 401]).toContain(status);
  };
  for (const stranger of strangers) await call(stranger);
  const before = await server.figures(server.as(good));
  const rounds = 10;
  for (let round = 0; round < rounds; round++) for (const stranger of strangers) await call(stranger);
  const after = await server.figures(server.as(good));
  expect(after.cpuMs - before.cpuMs).toBeLessThan(50 * rounds * strangers.length);
  expect(after.heapUsed - before.heapUsed).toBeLessThan(2e6);
  expect(await client.get('/', { headers })).toMatchObject({ status: 200 });
}
