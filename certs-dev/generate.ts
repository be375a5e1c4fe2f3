/**
 * `npm run certs`: a development CA, a server, two clients and an empty CRL.
 *
 * @module
 */
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { openDevCa } from 'express-mtls/dev-ca';

const help = `Makes certificates for development; keeps those that are there.

  npm run certs                        into certs-dev/, with ECDSA keys on P-256
  npm run certs -- --rsa               with RSA keys of 4096 bits (takes some seconds)
  npm run certs -- --dir /tmp/certs    into another folder

  --rsa        RSA 4096 instead of ECDSA P-256, where a CA is still to be made
  --dir DIR    where to put the files
  --help       this text`;

const { values } = parseArgs({
  options: {
    rsa: { type: 'boolean', default: false },
    dir: { type: 'string', default: path.dirname(fileURLToPath(import.meta.url)) },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) console.log(help);
else await generate(values.dir, values.rsa ? 'rsa-4096' : 'ec-p256');

async function generate(directory: string, algorithm: 'rsa-4096' | 'ec-p256'): Promise<void> {
  const now = new Date();
  const ca = await openDevCa(directory, { algorithm });
  report(ca.outcome, ca.certFile, ca.keyFile);
  for (const issued of [
    await ca.issueServer(),
    await ca.issueClient('client1'),
    await ca.issueClient('client2'),
  ]) {
    report(issued.outcome, issued.certFile, issued.keyFile);
    if (issued.revokedAt !== undefined)
      console.log('       revoked; remove both files to have them made anew');
    if (issued.notAfter <= now) console.log('       expired; remove both files to have them made anew');
  }
  const nextUpdate = await ca.nextUpdate();
  const stale = nextUpdate === undefined || nextUpdate <= now;
  if (stale) await ca.writeCrl();
  report(stale ? 'renewed' : ca.outcome, ca.crlFile);
  console.log('\nNext: npm start, then in another terminal: npm run example');
}

function report(outcome: string, ...files: readonly string[]): void {
  for (const file of files) console.log(`${outcome.padEnd(7)}${path.relative('.', file)}`);
}
