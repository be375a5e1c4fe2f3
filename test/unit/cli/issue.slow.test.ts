/**
 * `express-mtls issue client` and `issue server`.
 *
 * @module
 */
import { X509Certificate } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import tls from 'node:tls';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { caFolder } from '../../support/ca-folder.js';
import { runCommand } from '../../support/command.js';
import { openssl, testWithOpenssl } from '../../support/openssl.js';

let directory: string;
beforeEach(async () => {
  directory = await caFolder();
});

const inFolder = (file: string): string => join(directory, file);
const certificateOf = (name: string): X509Certificate =>
  new X509Certificate(readFileSync(inFolder(`${name}-crt.pem`)));
const issue = (...args: string[]): ReturnType<typeof runCommand> =>
  runCommand(['issue', ...args, '--dir', directory]);

describe('express-mtls issue', () => {
  test('issues a client certificate with the given names, and reports it', async () => {
    const { code, out, err } = await issue(
      ...['client', 'alice', '--o', 'Example', '--ou', 'a', '--ou', 'b', '--cn', 'Alice'],
      ...['--email', 'a@example.com', '--email', 'b@example.com', '--dns', 'a.test'],
      ...['--spiffe', 'spiffe://example.org/alice', '--days', '3.5'],
    );
    expect({ code, err }).toStrictEqual({ code: 0, err: '' });
    expect(out).toMatch(
      /^made {5}\S+\/alice-crt\.pem\nmade {5}\S+\/alice-key\.pem\n\nA client, Alice, serial number [0-9a-f]{32}\. It is valid until .* UTC \(in 3 days\)\.\n$/,
    );
    expect(certificateOf('alice').subject).toBe('O=Example\nOU=a\nOU=b\nCN=Alice');
    expect(certificateOf('alice').subjectAltName).toBe(
      'DNS:a.test, email:a@example.com, email:b@example.com, URI:spiffe://example.org/alice',
    );
  });

  test('issues a server certificate, and distinguishes host names from addresses', async () => {
    const { code } = await issue('server', 'app', '--san', 'app.test', '--san', '10.0.0.5', '--san', '::1');
    expect(code).toBe(0);
    expect(certificateOf('app').subject).toBe('CN=app.test');
    expect(certificateOf('app').subjectAltName).toBe(
      'DNS:app.test, IP Address:10.0.0.5, IP Address:0:0:0:0:0:0:0:1',
    );
    await issue('server', 'app2', '--san', '10.0.0.5');
    expect(certificateOf('app2').subjectAltName).toBe('IP Address:10.0.0.5');
  });

  test.each([
    ['api', 'CN=api', 'DNS:api'],
    ['api.example.com', 'CN=api.example.com', 'DNS:api.example.com'],
    ['10.0.0.5', 'CN=10.0.0.5', 'IP Address:10.0.0.5'],
  ])('issues a certificate for a server under its name, %s', async (name, subject, subjectAltName) => {
    expect((await issue('server', name)).code).toBe(0);
    expect(certificateOf(name)).toMatchObject({ subject, subjectAltName });
  });

  test('a commonName does not replace the host name of a server', async () => {
    await issue('server', 'api', '--cn', 'The API');
    expect(certificateOf('api')).toMatchObject({ subject: 'CN=The API', subjectAltName: 'DNS:api' });
  });

  test('the server with the name of the one that init makes is for localhost too', async () => {
    for (const file of ['server-crt.pem', 'server-key.pem']) rmSync(inFolder(file));
    await issue('server', 'server');
    expect(certificateOf('server')).toMatchObject({
      subject: 'CN=localhost',
      subjectAltName: 'DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1',
    });
  });

  test('keeps existing files, and reports that options have no effect', async () => {
    const before = readFileSync(inFolder('client1-crt.pem'));
    const { code, out } = await issue('client', 'client1', '--ou', 'other');
    expect(code).toBe(0);
    expect(out).toMatch(
      /^kept {5}.*\nkept {5}.*\n\n.* It was there before and is unchanged; other options have no effect\.\nTo replace it /,
    );
    expect(readFileSync(inFolder('client1-crt.pem'))).toEqual(before);
  });

  test('reports that a kept certificate is revoked or expired', async () => {
    await runCommand(['revoke', 'client1', '--dir', directory]);
    expect((await issue('client', 'client1')).out).toMatch(
      /: it was revoked at .*remove its files, then .*:\n {2}rm \S+client1-crt\.pem \S+client1-key\.pem\n$/,
    );
    const now = (): number => Date.now() + 400 * 86_400_000;
    const { out } = await runCommand(['issue', 'server', 'server', '--dir', directory], { now });
    expect(out).toMatch(
      /: it expired at .* \(35 days ago\)\. To replace it:\n {2}express-mtls renew server --dir \S+\n$/,
    );
  });

  test('answers as JSON', async () => {
    const { out } = await issue('client', 'alice', '--json');
    expect(JSON.parse(out)).toStrictEqual({
      outcome: 'made',
      name: 'alice',
      kind: 'client',
      commonName: 'alice',
      serialNumber: certificateOf('alice').serialNumber.toLowerCase(),
      notAfter: new Date(certificateOf('alice').validTo).toISOString(),
      certFile: inFolder('alice-crt.pem'),
      keyFile: inFolder('alice-key.pem'),
    });
  });

  test.each([
    [['client', 'a/b'], 3, /^error: name is "a\/b"; use .*\n$/],
    [['client', 'a', '--spiffe', 'x'], 3, /^error: spiffeId is "x"; use .*\n$/],
    [['client', 'a', '--csr', '/nonexistent'], 3, /^error: .*\n$/],
    [['client', 'a', '--days', 'many'], 2, /argument 'many' is invalid\. Use a number above 0/],
    [['client', 'a', '--days', '0'], 2, /argument '0' is invalid/],
    [['client', 'a', '--rsa', '512'], 2, /Allowed choices are 4096/],
    [['client', 'a', '--uri', 'urn:a', '--spiffe', 'spiffe://a/b'], 2, /cannot be used with option '--uri/],
    [['client', 'a', '--csr', 'x', '--p12'], 2, /cannot be used with option '--p12'/],
    [['client', 'a', '--csr', 'x', '--rsa', '4096'], 2, /cannot be used with option '--rsa/],
    [['client', 'a', '--san', 'x'], 2, /unknown option '--san'/],
    [['client'], 2, /missing required argument 'name'/],
    [[], 2, /Usage: express-mtls issue/],
  ])('called with %j it exits with %i and reports why', async (args, expected, message) => {
    const before = readdirSync(directory);
    const { code, out, err } = args.length === 0 ? await runCommand(['issue']) : await issue(...args);
    expect({ code, out }).toStrictEqual({ code: expected, out: '' });
    expect(err).toMatch(message);
    expect(readdirSync(directory)).toEqual(before);
  });

  test('does not create a missing CA', async () => {
    const { code, err } = await runCommand(['issue', 'client', 'a', '--dir', inFolder('typo')]);
    expect(code).toBe(3);
    expect(err).toMatch(/typo contains no CA; create one with "express-mtls init"/);
    expect(existsSync(inFolder('typo'))).toBe(false);
  });

  test.each(['client', 'server'])('%s --help shows examples', async (kind) => {
    const { code, out } = await runCommand(['issue', kind, '--help']);
    expect(code).toBe(0);
    expect(out).toContain(`Examples:\n  $ express-mtls issue ${kind} `);
  });
});

describe('express-mtls issue --p12', () => {
  const opens = (password: string): void => {
    tls.createSecureContext({ pfx: readFileSync(inFolder('alice.p12')), passphrase: password });
  };

  test('generates a random password, and reports its file but never the password', async () => {
    const { code, out, err } = await issue('client', 'alice', '--p12');
    expect({ code, err }).toStrictEqual({ code: 0, err: '' });
    expect(out).toMatch(/\nmade {5}\S+\/alice\.p12\nmade {5}\S+\/alice-p12-password\.txt, its password\n/);
    const password = readFileSync(inFolder('alice-p12-password.txt'), 'utf8').trim();
    expect(out).not.toContain(password);
    expect(statSync(inFolder('alice-p12-password.txt')).mode & 0o777).toBe(0o600);
    opens(password);
  });

  test('takes the password from the first line of a file, as inspect does', async () => {
    writeFileSync(inFolder('password'), 'from a file\nand a second line\n');
    const { out } = await issue('client', 'alice', '--p12-password-file', inFolder('password'), '--json');
    expect(JSON.parse(out)).toMatchObject({ pkcs12File: inFolder('alice.p12') });
    expect(out).not.toContain('from a file');
    expect(existsSync(inFolder('alice-p12-password.txt'))).toBe(false);
    opens('from a file');
  });

  test('takes it from the environment', async () => {
    const env = { EXPRESS_MTLS_P12_PASSWORD: 'from the environment' };
    await runCommand(['issue', 'client', 'alice', '--p12', '--dir', directory], { env });
    opens('from the environment');
  });

  test('refuses an empty password, before anything is made', async () => {
    const env = { EXPRESS_MTLS_P12_PASSWORD: '' };
    const { code, err } = await runCommand(['issue', 'client', 'alice', '--p12', '--dir', directory], {
      env,
    });
    expect(code).toBe(3);
    expect(err).toBe(
      'error: EXPRESS_MTLS_P12_PASSWORD is empty; put the password there, or omit it to generate one\n',
    );
    expect(existsSync(inFolder('alice-crt.pem'))).toBe(false);
  });
});

describe('express-mtls issue --csr', () => {
  testWithOpenssl('signs a request, and says what was taken and what was left out', async () => {
    const args = [
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-keyout',
      'k',
      '-out',
      'csr',
    ];
    const asked = ['-addext', 'basicConstraints=CA:TRUE', '-addext', 'subjectAltName=DNS:a.test'];
    openssl(directory, 'req', '-new', ...args, '-subj', '/C=DE/OU=x/CN=bob\u001B[2J', '-utf8', ...asked);
    const taking = ['--csr', inFolder('csr'), '--names-from-request'];
    const refused = await issue('client', 'bob', ...taking);
    expect(refused.code).toBe(3);
    expect(refused.err).toMatch(
      /commonName is "bob\\u001b\[2J"; use 1 to 64 characters without control characters\n$/,
    );
    const { code, out } = await issue('client', 'bob', ...taking, '--cn', 'bob');
    expect(code).toBe(0);
    expect(out).toMatch(
      /^made {5}\S+\/bob-crt\.pem\n\nTaken from the request: organizationalUnit "x", dns "a\.test"\.\n/,
    );
    expect(out).toContain(
      '\nNot taken: country "DE", commonName "bob\\u001b[2J", extension "basicConstraints".\n',
    );
    expect(existsSync(inFolder('bob-key.pem'))).toBe(false);
    const server = await issue('server', 'app', ...taking, '--cn', 'x', '--json');
    expect(JSON.parse(server.out)).toMatchObject({
      outcome: 'made',
      kind: 'server',
      taken: [
        { type: 'organizationalUnit', value: 'x' },
        { type: 'dns', value: 'a.test' },
      ],
    });
    const alice = await issue('client', 'alice', '--csr', inFolder('csr'));
    expect(alice.out).toMatch(
      /^made {5}.*\n\nTaken from the request: nothing\.\nNot taken: country "DE", organizationalUnit "x", /,
    );
    expect(alice.out).toContain('A client, alice, serial number');
  });
});
