/**
 * The 66 subtests of PKITS on revocation, with the client of each against plain `node:https`: what README.md compares
 * this package with. Node.js asks OpenSSL neither for deltas nor for indirect CRLs.
 *
 * @module
 */
import { once } from 'node:events';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { expect, test } from '@jest/globals';
import { ca } from '../support/chain.js';
import { pem } from '../support/der-writer.js';
import { readDocument } from '../support/markdown.js';
import { type Case, readCases, withPkits } from './pkits.js';
import { rekey } from './rekeyed-case.js';

const site = ca('servers').server();

withPkits(() => {
  test('plain node:https gives the right verdict in 53 or 54 of the 66 subtests on revocation, as the documents say', async () => {
    const cases = readCases('cases.json');
    const wrong = [];
    for (const one of cases) if ((await isAdmitted(one)) !== one.valid) wrong.push(one);
    const right = cases.length - wrong.length;
    const falseAccepts = wrong.filter(({ valid }) => !valid).map(({ number }) => number);

    const isOpenssl30 = process.versions.openssl.startsWith('3.0.');
    expect({ right, falseAccepts }).toEqual(
      isOpenssl30
        ? { right: 53, falseAccepts: ['4.15.1', '4.15.3', '4.15.10'] }
        : { right: 54, falseAccepts: ['4.15.4'] },
    );
    expect(readDocument('docs/what-is-checked.md')).toContain(`: ${right} of 66, `);
  });
});

async function isAdmitted(one: Case): Promise<boolean> {
  const { cas, crls, client } = rekey(one);
  const server = https.createServer(
    {
      key: site.keyPem,
      cert: site.chainPem,
      ca: cas.map((der) => pem('CERTIFICATE', der)),
      crl: crls.map((der) => pem('X509 CRL', der)),
      requestCert: true,
      rejectUnauthorized: true,
    },
    (_req, res) => res.end(),
  );
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const options = { key: client.keyPem, cert: client.chainPem, rejectUnauthorized: false, agent: false };
  try {
    const request = https.get(`https://127.0.0.1:${port}/`, options);
    await once(request, 'response');
    return true;
  } catch (error) {
    // The alert of the server, or the end that it makes of the connection.
    expect((error as NodeJS.ErrnoException).code).toMatch(/^(ERR_SSL_|ECONNRESET$|EPIPE$)/);
    return false;
  } finally {
    server.closeAllConnections();
    server.close();
  }
}
