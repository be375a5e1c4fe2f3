/**
 * `express-mtls doctor --behind`, behind proxies that are configured well and badly.
 *
 * @module
 */
import { existsSync, statSync } from 'node:fs';
import { get } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { type BehindReport, goBehind, type SectionName } from '../../src/cli/doctor/behind.js';
import { readInputs } from '../../src/cli/doctor/inputs.js';
import type { Step } from '../../src/cli/doctor/step.js';
import type { Verdict } from '../../src/cli/doctor/verdict.js';
import { ca, type Certificate } from '../support/chain.js';
import { type CommandResult, runCommand } from '../support/command.js';
import { temporaryDirectory, writeMaterial } from '../support/files.js';
import { apacheValue, nginxValue, sfBytes, sfList } from '../support/forwarded.js';
import { freePort, isListening } from '../support/ports.js';
import { listen } from '../support/server.js';
import {
  forwards,
  type Lines,
  publicCa,
  startStandInProxy,
  type StandInProxyOptions,
  without,
} from '../support/stand-in-proxy.js';

const root = ca('ca');
const client1 = root.client('client1');
const other = root.client('other');
const internal = ca('internal');

interface Given extends Partial<Omit<StandInProxyOptions, 'root' | 'app'>> {
  readonly transport?: 'tcp' | 'tls' | 'socket';
  readonly certificate?: Certificate;
  readonly crl?: string;
  /** The proxy's own certificate. */
  readonly own?: Certificate;
  /** What the proxy trusts of the app. @defaultValue the CA of the app's certificate */
  readonly trusts?: string;
  /** Without it, the doctor listens as the proxy expects. */
  readonly listensOverTls?: boolean;
  /** Called while the doctor listens. */
  readonly during?: (address: string) => void;
  readonly args?: readonly string[];
}

interface Place {
  readonly port: number;
  readonly folder: string;
  readonly address: string;
}

/** Starts a proxy in front of a free address, and has the doctor stand in there. */
async function run(given: Given = {}): Promise<CommandResult & Place> {
  const { transport = 'tcp', certificate = client1, forward = forwards.safely } = given;
  const folder = temporaryDirectory();
  const app = internal.server();
  const files = writeMaterial(folder, {
    crt: certificate.chainPem,
    key: certificate.keyPem,
    ca: root.pem,
    crl: given.crl ?? root.crl().pem,
    public: publicCa.pem,
    'app-crt': app.chainPem,
    'app-key': app.keyPem,
  });
  const socketPath = join(folder, 'http.sock');
  const appPort = Number(await freePort());
  const own = given.own ?? internal.client('proxy');
  const address = transport === 'socket' ? socketPath : `127.0.0.1:${appPort}`;
  const port = await startStandInProxy({
    ...given,
    root,
    forward: (...request) => {
      given.during?.(address);
      return forward(...request);
    },
    app:
      transport === 'socket'
        ? { socketPath }
        : { port: appPort, ...(transport === 'tls' ? { ca: given.trusts ?? internal.pem, own } : {}) },
  });
  const result = await runCommand([
    ...['doctor', '--cert', files.crt, '--key', files.key, '--ca', files.ca, '--crl', files.crl],
    ...['--server-ca', files.public, '--behind', `https://localhost:${port}/x`, '--listen', address],
    ...((given.listensOverTls ?? transport === 'tls')
      ? ['--listen-cert', files['app-crt'], '--listen-key', files['app-key']]
      : []),
    ...(given.args ?? []),
  ]);
  return { ...result, port, folder, address };
}

interface Report extends Place {
  readonly code: number;
  readonly behind: BehindReport;
  readonly verdict: Verdict;
  of(section: SectionName): readonly Step[];
  failing(section: SectionName): readonly Step[];
}

async function ask(given: Given = {}): Promise<Report> {
  const { out, err, ...rest } = await run({ ...given, args: ['--json', ...(given.args ?? [])] });
  expect(err).toBe('');
  const data = JSON.parse(out) as Pick<Report, 'behind' | 'verdict'>;
  const of = (name: SectionName): readonly Step[] =>
    data.behind.sections.find(({ section }) => section === name)?.steps ?? [];
  const failing = (name: SectionName): readonly Step[] =>
    of(name).filter(({ outcome }) => outcome === 'fails');
  return { ...rest, ...data, of, failing };
}

function detailsOf(steps: readonly Step[], name: string): string[] {
  return steps.filter(({ step }) => step === name).map(({ detail }) => detail);
}

describe('a safe proxy', () => {
  test('is reported step by step: what arrived, from whom, whether it is admitted, and what was tried', async () => {
    const { code, out, err, port, address } = await run({ transport: 'tls' });
    expect({ code, err }).toStrictEqual({ code: 0, err: '' });
    expect(out.slice(out.indexOf('Calling'))).toMatch(
      new RegExp(
        [
          `^Calling https://localhost:${port}/x with the client's certificate, in place of the app at ${address}`,
          `ok       tcp          connected to \\S+ port ${port}`,
          'ok       handshake    TLSv1\\.3, TLS_\\w+',
          'ok       server       its certificate is trusted and valid for localhost',
          'ok       answer       served: 200',
          `ok       arrived      at ${address}`,
          'ok       proxy        it came from 127\\.0\\.0\\.1, with the proxy\'s own certificate CN=proxy: proxies\\.from can be \\{ ca, rule: \\{ commonName: "proxy" \\} \\}',
          "ok       header       x-ssl-client-cert holds percent-encoded PEM: proxies\\.header is 'nginx'",
          'ok       header-chain no certificate above it came, and the client sent none',
          "ok       same         it is the client's certificate, byte for byte",
          '',
          'What an app makes of the certificate that arrived',
          'ok       certificate  CN=client1, serial \\w+',
        ].join('\n'),
      ),
    );
    expect(out).toMatch(
      new RegExp(
        [
          'Calling without a certificate, then also with the headers of a proxy',
          'ok       anonymous    no header for a certificate arrives',
          'ok       spoofing     x-ssl-client-cert of a client does not arrive: sent in lower case, in upper case, with underscores and twice',
          "note     spoofing     of a client these headers arrive: client-cert, .*, ssl-client-cert \\(with underscores too\\), x_ssl_client_cert\\. An app with proxies\\.header 'nginx' does not read them, .*",
          '',
          "Calling with the client's certificate and the headers of a proxy",
          'ok       spoofing     x-ssl-client-cert of a client does not arrive: .*',
          'note     spoofing     .*',
          '',
          `client1 would be admitted; behind https://localhost:${port}/x, with proxies\\.header 'nginx'\n$`,
        ].join('\n'),
      ),
    );
  });

  test('that requires a certificate refuses a client without one, which is reported as such', async () => {
    const { code, of } = await ask({ isRequired: true });
    expect(code).toBe(0);
    expect(of('anonymous').map(({ step, outcome }) => [step, outcome])).toEqual([
      ['anonymous', 'ok'],
      ['spoofing', 'ok'],
    ]);
    expect(detailsOf(of('anonymous'), 'anonymous')).toEqual([
      expect.stringMatching(/^the proxy does not pass the request on: /),
    ]);
  });

  test("on a Unix socket, which has the mode of an app's, and is removed afterwards", async () => {
    const modes = new Set<number>();
    const { code, of, address } = await ask({
      transport: 'socket',
      during: (path) => modes.add(statSync(path).mode & 0o777),
    });
    expect([code, [...modes], existsSync(address)]).toEqual([0, [0o660], false]);
    expect(detailsOf(of('forwarding'), 'proxy')).toEqual([
      'it came through the Unix socket: proxies.from can be { socket: true }',
    ]);
  });

  test('with a secret, which is not printed', async () => {
    const secret = 'a-secret-of-the-proxy';
    const forward: StandInProxyOptions['forward'] = (lines, client) => [
      ...forwards.safely(lines, client),
      ...['Mtls-Proxy-Secret', secret],
    ];
    const { code, out } = await run({ forward });
    expect(code).toBe(0);
    expect(out).toMatch(
      /^ok {7}proxy {8}it came from 127\.0\.0\.1 over TCP, .*proxies\.from can be \{ secret \}$/m,
    );
    expect(out).toMatch(/^ok {7}secret {7}Mtls-Proxy-Secret came once; its value is not shown/m);
    expect(out).not.toContain(secret);
    expect((await run({ forward, args: ['--json'] })).out).not.toContain(secret);
    const twice = await ask({
      forward: (lines, client) => [...forward(lines, client), 'mtls-proxy-secret', secret],
    });
    expect([twice.code, twice.verdict.reason]).toEqual([1, 'not-forwarded']);
    expect(detailsOf(twice.failing('forwarding'), 'secret')).toEqual([
      'Mtls-Proxy-Secret came 2 times, and the app refuses several lines of it',
    ]);
  });

  test('that nothing but its address proves is noted', async () => {
    const { code, of } = await ask();
    expect(code).toBe(0);
    expect(of('forwarding').find(({ step }) => step === 'proxy')).toEqual({
      step: 'proxy',
      outcome: 'note',
      detail: expect.stringMatching(
        /^it came from 127\.0\.0\.1 over TCP, without TLS: nothing but its address/,
      ),
    });
  });

  test.each<[string, (leaf: Buffer, chain: readonly Buffer[]) => string[], BehindReport['header'], RegExp]>([
    [
      'Apache',
      (leaf) => ['X-SSL-Client-Cert', apacheValue(leaf)],
      'apache',
      /^the client sent 1 certificate/,
    ],
    ['Caddy', (leaf) => ['Client-Cert', sfBytes(leaf)], 'caddy', /^the client sent 1 certificate/],
    [
      'RFC 9440',
      (leaf, chain) => ['Client-Cert', sfBytes(leaf), 'Client-Cert-Chain', sfList(...chain)],
      'rfc9440',
      /^client-cert-chain has 1 certificate above it/,
    ],
    [
      'a header of its own',
      (leaf) => ['X-Own', nginxValue(leaf)],
      { name: 'x-own', encoding: 'percent-pem' },
      /^the client sent 1 certificate/,
    ],
    [
      'a preset in another encoding',
      (leaf) => ['Client-Cert', nginxValue(leaf)],
      { name: 'client-cert', encoding: 'percent-pem' },
      /^the client sent 1 certificate/,
    ],
  ])('is recognized by name and form: %s', async (_what, linesOf, header, chain) => {
    const middle = root.intermediate('middle');
    const certificate = middle.client('client1');
    const { behind, of, verdict, failing } = await ask({
      certificate,
      forward: (lines, client) => {
        const own = client === undefined ? [] : linesOf(client, [middle.der]);
        const names = linesOf(other.der, [middle.der]).filter((_, at) => at % 2 === 0);
        return [...[...names, 'Client-Cert-Chain'].reduce<Lines>(without, lines), ...own];
      },
    });
    expect(behind.header).toEqual(header);
    expect(detailsOf(of('forwarding'), 'header-chain')).toEqual([expect.stringMatching(chain)]);
    expect([failing('forwarding'), failing('anonymous'), failing('spoofing')]).toEqual([[], [], []]);
    // The path is judged by what arrived. No CRL of an intermediate that is not configured can be verified.
    const reason = header === 'rfc9440' ? 'revocation-unknown' : 'untrusted';
    expect(verdict).toMatchObject({ letIn: false, reason });
  });
});

describe('an unsafe proxy', () => {
  test('that sets nothing passes on what a client sends', async () => {
    const { code, of, failing, verdict } = await ask({ forward: forwards.nothing });
    expect([code, verdict.reason]).toEqual([1, 'unsafe-proxy']);
    expect(failing('forwarding')).toEqual([
      expect.objectContaining({ step: 'header', detail: 'no header holds a certificate' }),
    ]);
    expect(of('judgement')).toEqual([]);
    expect(failing('anonymous')).toEqual([
      {
        step: 'spoofing',
        outcome: 'fails',
        detail: expect.stringMatching(
          /^the proxy sets no header .*: client-cert, client-cert-chain, x-ssl-client-cert, .* \(with underscores too\)$/,
        ),
        remedy: expect.stringContaining('in nginx: proxy_set_header X-SSL-Client-Cert'),
      },
    ]);
  });

  test('that passes a header through where there is no certificate: the header, the forms, and the remedy of nginx', async () => {
    const { code, failing, verdict } = await ask({ forward: forwards.passingThrough });
    expect([code, verdict.letIn, verdict.reason]).toEqual([1, false, 'unsafe-proxy']);
    expect(verdict.text).toMatch(
      /^the proxy at https:\S+ is unsafe: x-ssl-client-cert arrives as a client sends it/,
    );
    expect(failing('anonymous')).toEqual([
      {
        step: 'spoofing',
        outcome: 'fails',
        detail: expect.stringContaining('sent in lower case, in upper case and twice.'),
        remedy: expect.stringContaining('proxy_set_header X-SSL-Client-Cert $ssl_client_escaped_cert'),
      },
    ]);
    expect(failing('spoofing')).toEqual([]);
  });

  test('that removes the header in one letter case only', async () => {
    const { failing } = await ask({
      forward: (lines, client) =>
        lines.includes('X-SSL-CLIENT-CERT') ? lines : forwards.safely(lines, client),
    });
    for (const section of ['anonymous', 'spoofing'] as const)
      expect(detailsOf(failing(section), 'spoofing')).toEqual([
        expect.stringMatching(/^x-ssl-client-cert arrives as a client sends it.*: sent in upper case\./),
      ]);
  });

  test('that removes the first line only', async () => {
    const { failing } = await ask({
      forward: (lines, client) => {
        if (client !== undefined) return forwards.safely(lines, client);
        const at = lines.findIndex((each, index) => index % 2 === 0 && /^x-ssl-client-cert$/i.test(each));
        return at < 0 ? lines : [...lines.slice(0, at), ...lines.slice(at + 2)];
      },
    });
    expect(detailsOf(failing('anonymous'), 'spoofing')).toEqual([
      expect.stringMatching(/^x-ssl-client-cert arrives as a client sends it: sent twice\./),
    ]);
  });

  test('that names its program is given the remedy of that program', async () => {
    const { failing } = await ask({ forward: forwards.nothing, server: 'Caddy' });
    expect(failing('anonymous')[0]?.remedy).toContain('in Caddy: header_up Client-Cert');
  });

  test('that turns underscores into dashes', async () => {
    const { failing } = await ask({
      forward: (lines, client) =>
        forwards
          .safely(lines, client)
          .map((each) => (each.includes('_client_') ? each.replaceAll('_', '-') : each)),
    });
    expect(detailsOf(failing('anonymous'), 'spoofing')).toEqual([
      expect.stringMatching(/^x-ssl-client-cert arrives as a client sends it: sent with underscores\./),
    ]);
  });

  test('that adds its line to that of the client', async () => {
    const { code, failing } = await ask({ forward: forwards.adding });
    expect(code).toBe(1);
    expect(failing('anonymous')).toEqual([]);
    expect(failing('spoofing')).toEqual([
      {
        step: 'spoofing',
        outcome: 'fails',
        detail: expect.stringMatching(
          /^x-ssl-client-cert arrives as a client sends it, beside that of the proxy/,
        ),
        remedy: expect.stringContaining('instead of adding it'),
      },
    ]);
  });

  test('that sends (null) where there is no certificate', async () => {
    const { code, failing, verdict } = await ask({ forward: forwards.null });
    expect([code, verdict.reason]).toEqual([1, 'unsafe-proxy']);
    expect(failing('anonymous')).toEqual([
      {
        step: 'anonymous',
        outcome: 'fails',
        detail: 'x-ssl-client-cert is "(null)", as Apache sends it without a certificate',
        remedy: expect.stringContaining('leave the header out'),
      },
    ]);
  });

  test('that sends a certificate of its own where there is none', async () => {
    const { failing } = await ask({
      forward: (lines, client) => forwards.safely(lines, client ?? other.der),
    });
    expect(detailsOf(failing('anonymous'), 'anonymous')).toEqual([
      'x-ssl-client-cert holds a certificate, and the client sent none: CN=other',
    ]);
  });

  test('that answers with a fault has not been tried', async () => {
    const { failing, code } = await ask({
      refuses: (lines, client) => (client === undefined && lines.includes('client-cert') ? 503 : undefined),
    });
    expect(code).toBe(1);
    expect(detailsOf(failing('anonymous'), 'spoofing')).toEqual([
      'sent in lower case: this could not be tried: the proxy answers 503',
    ]);
  });

  test('that refuses all headers together is tried with each of them', async () => {
    const { failing } = await ask({
      forward: forwards.passingThrough,
      refuses: (lines) => (lines.some((name) => /^client[-_]cert$/i.test(name)) ? 403 : undefined),
    });
    expect(detailsOf(failing('anonymous'), 'spoofing')).toEqual([
      expect.stringContaining('sent in lower case, in upper case and twice.'),
    ]);
  });
});

describe('a certificate that arrives', () => {
  test('is judged as by an app: revoked', async () => {
    const { code, verdict, failing } = await ask({ crl: root.crl({ revoked: [client1] }).pem });
    expect(code).toBe(1);
    expect(verdict).toMatchObject({ letIn: false, reason: 'revoked', code: 'ERR_MTLS_CERTIFICATE_REVOKED' });
    expect(failing('judgement').map(({ step }) => step)).toEqual(['revocation']);
  });

  test('and is that of another is reported', async () => {
    const { code, failing, of } = await ask({
      forward: (lines, client) => forwards.safely(lines, client && other.der),
    });
    expect(code).toBe(1);
    expect(failing('forwarding')).toEqual([
      expect.objectContaining({
        step: 'same',
        detail: "x-ssl-client-cert holds another certificate than the client's: CN=other",
      }),
    ]);
    expect(of('judgement')).toEqual([]);
  });

  test('in a form that no app reads: the excerpt is escaped, and short', async () => {
    const garbage = '\u009b2J\u00ad%0Aok       header'.padEnd(500, 'x');
    const forward = (lines: Lines): Lines => [...without(lines), 'X-SSL-Client-Cert', garbage];
    const { code, out } = await run({ forward });
    expect(code).toBe(1);
    expect(out).toMatch(/^FAILS {4}header {7}x-ssl-client-cert has "\\u\{9b\}2J/m);
    expect(out).not.toMatch(/[\u009b\u00ad]/);
    expect(out).not.toContain('x'.repeat(40));
  });
});

describe('nothing arrives', () => {
  test.each<[string, Given, RegExp, RegExp]>([
    [
      'the proxy speaks TLS, and the doctor does not',
      { transport: 'tls', listensOverTls: false },
      /^nothing arrived at 127\.0\.0\.1:\d+, and the proxy answered 502: a connection came with TLS$/,
      /^give --listen-cert and --listen-key/,
    ],
    [
      'the doctor speaks TLS, and the proxy does not',
      { transport: 'tcp', listensOverTls: true },
      /: a connection came without TLS$/,
      /leave --listen-cert and --listen-key out$/,
    ],
    [
      'the proxy does not trust the app',
      { transport: 'tls', trusts: root.pem },
      /: a TLS (?:connection was closed before a request|handshake failed \(\w+\))$/,
      /must trust the CA of --listen-cert/,
    ],
    [
      'the proxy refuses the client',
      { refuses: () => 403 },
      /, and the proxy answered 403$/,
      /^have the proxy send this path to 127/,
    ],
    [
      'the proxy removes the mark of the doctor',
      { forward: (lines) => without(lines, 'express-mtls-doctor') },
      /, and the proxy answered 503$/,
      /removed the header express-mtls-doctor$/,
    ],
  ])('because %s', async (_why, given, detail, remedy) => {
    const { code, behind, failing, verdict } = await ask(given);
    expect([code, verdict.reason, behind.sections.length]).toEqual([1, 'not-forwarded', 1]);
    expect(failing('forwarding').at(-1)).toEqual({
      step: 'arrived',
      outcome: 'fails',
      detail: expect.stringMatching(detail),
      remedy: expect.stringMatching(remedy),
    });
  });

  test('because the proxy does not answer: the wait ends, and says what for', async () => {
    const silent = await listen(createTcpServer(() => undefined));
    expect(await failuresBehind(silent)).toEqual(['no handshake: no response within 2 s']);
    const deaf = await startStandInProxy({
      root,
      app: { port: await listen(createTcpServer(() => undefined)) },
      forward: forwards.safely,
    });
    expect(await failuresBehind(deaf)).toEqual([
      'no answer came within 2 s',
      expect.stringMatching(/^nothing arrived at 127\.0\.0\.1:\d+$/),
    ]);
  });

  test('of the requests with spoofed headers, because the proxy does not answer them', async () => {
    const appPort = Number(await freePort());
    const port = await startStandInProxy({
      root,
      app: { port: appPort },
      forward: forwards.safely,
      refuses: (lines) => (lines.includes('client-cert') ? 'never' : undefined),
    });
    expect(await failuresBehind(port, appPort)).toEqual([
      'sent in lower case: no answer came within 2 s',
      'sent in lower case: no answer came within 2 s',
    ]);
  });
});

/** What fails, with a limit of two seconds for each wait. */
async function failuresBehind(port: number, appPort?: number): Promise<string[]> {
  const folder = temporaryDirectory();
  const files = writeMaterial(folder, { crt: client1.pem, key: client1.keyPem, ca: root.pem });
  const { report } = await goBehind({
    proxy: {
      url: new URL(`https://localhost:${port}/`),
      method: 'GET',
      cert: client1.pem,
      key: client1.keyPem,
      serverCas: [publicCa.pem],
      limitMs: 2000,
    },
    listen: { host: '127.0.0.1', port: appPort ?? Number(await freePort()) },
    credentials: undefined,
    inputs: await readInputs({ cert: files.crt, key: files.key, ca: [files.ca] }, {}),
    rule: undefined,
    at: new Date(),
  });
  return report.sections.flatMap(({ steps }) =>
    steps.filter(({ outcome }) => outcome === 'fails').map(({ detail }) => detail),
  );
}

describe('the address', () => {
  test('that is in use: exit code 3, and what to do', async () => {
    const port = await listen(createTcpServer(() => undefined));
    const { code, err } = await run({ args: ['--listen', `${port}`] });
    expect(code).toBe(3);
    expect(err).toMatch(
      new RegExp(`^error: cannot listen at 127\\.0\\.0\\.1:${port} \\(EADDRINUSE\\); stop the app first`),
    );
  });

  test('is released afterwards, though the proxy keeps its connections', async () => {
    const { code, address } = await run();
    expect(code).toBe(0);
    expect(await isListening(address.slice(address.indexOf(':') + 1))).toBe(false);
  });

  test('answers a request of others with 503, and reports it', async () => {
    const statuses: Promise<number | undefined>[] = [];
    const { of } = await ask({
      during: (address) => {
        statuses.push(
          new Promise((resolve, reject) => {
            get(`http://${address}/`, ({ statusCode }) => {
              resolve(statusCode);
            }).on('error', reject);
          }),
        );
      },
      // So that the request of the other is there first.
      delayMs: 50,
    });
    expect(await statuses[0]).toBe(503);
    expect(detailsOf(of('forwarding'), 'arrived')).toContainEqual(
      expect.stringMatching(
        /^\d+ other requests? arrived, without the header express-mtls-doctor, and got 503$/,
      ),
    );
  });
});
