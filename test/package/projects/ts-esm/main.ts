import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import express from 'express';
import {
  allOf,
  anyOf,
  clientIdentity,
  createServer,
  createServerOptions,
  ErrorCode,
  identify,
  MtlsError,
  mtlsErrorHandler,
  not,
  protect,
  requestLog,
  requireClient,
  type ClientIdentity,
  type ClientRule,
  type MtlsOptions,
} from 'express-mtls';
import { openDevCa } from 'express-mtls/dev-ca';
import { collectMetrics } from 'express-mtls/metrics';
import { loadRevocation } from 'express-mtls/revocation';
import { statusRouter } from 'express-mtls/status';
import { Registry } from 'prom-client';

async function main(): Promise<void> {
  const directory = mkdtempSync(path.join(tmpdir(), 'express-mtls-consumer-'));
  try {
    const ca = await openDevCa(directory);
    const mine = await ca.issueServer();
    const client1 = await ca.issueClient('client1');

    const options: MtlsOptions = { key: mine.keyFile, cert: mine.certFile, ca: ca.certFile, crl: ca.crlFile };
    const client = {
      key: readFileSync(client1.keyFile),
      cert: readFileSync(client1.certFile),
      ca: readFileSync(ca.certFile),
    };

    const one = await createServer(options, app());
    const register = new Registry();
    const metrics = collectMetrics(one.mtls, { register });
    console.log(await ask(one, client));
    console.log(/^mtls_handshakes_total.*admitted.*$/m.exec(await register.metrics())?.[0]);
    metrics.close();
    await one.mtls.close();

    const second = app();
    const other = https.createServer(await createServerOptions(options), second);
    const mtls = await protect(other, options);
    second.use('/status', statusRouter(mtls, { access: { commonName: 'client1' } }));
    console.log(await ask(other, client));
    console.log((await ask(other, { ...client, path: '/status/ready' })).trim());
    await mtls.close();

    const revocation = await loadRevocation({ ca: ca.certFile, crl: ca.crlFile });
    const { status } = revocation.check([new X509Certificate(client.cert)]);
    console.log(`client1 is ${status}`);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** An application with everything the package has for one. */
function app(): express.Express {
  const rule: ClientRule = allOf(
    anyOf({ commonName: 'client1' }, { commonName: 'client2' }),
    not({ commonName: 'client2' }),
  );
  return express()
    .use(requestLog({ logger: { info() {} } }))
    .use(clientIdentity())
    .get('/', requireClient(rule), (req, res) => {
      const identity: ClientIdentity | undefined = identify(req);
      if (identity?.commonName !== req.clientIdentity?.commonName) {
        throw new MtlsError(ErrorCode.ERR_MTLS_CLIENT_FORBIDDEN, { seen: 'two answers to one question' });
      }
      res.send(`hello ${req.clientIdentity?.commonName}`);
    })
    .use(mtlsErrorHandler());
}

/** Calls `server` once, as the client with `credentials`, and stops it. */
async function ask(server: https.Server, credentials: https.RequestOptions): Promise<string> {
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  const answer = await new Promise<string>((resolve, reject) => {
    const request = { host: '127.0.0.1', servername: 'localhost', port, agent: false, ...credentials };
    https
      .get(request, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.on('end', () => {
          resolve(text);
        });
      })
      .on('error', reject);
  });
  await new Promise((resolve) => server.close(resolve));
  return answer;
}

await main();
