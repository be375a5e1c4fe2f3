/**
 * The revocation engine without a server: `npx tsx examples/revocation/check.ts certs-dev/client1-crt.pem`
 *
 * @module
 */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { loadRevocation } from 'express-mtls/revocation';

const certs = process.env['CERTS'] ?? 'certs-dev';
const files = process.argv.slice(2);
if (files.length === 0) console.error('Name the certificates to check: certs-dev/client1-crt.pem …');

const revocation = await loadRevocation({ ca: `${certs}/ca-crt.pem`, crl: `${certs}/ca-crl.pem` });
// A CRL that is forged or cannot be read is not used: check what was rejected before trusting the rest.
for (const { source, error } of revocation.rejected) console.error(`${source} is not used: ${error.message}`);

for (const file of files) {
  const verdict = revocation.check([new X509Certificate(readFileSync(file))]);
  switch (verdict.status) {
    case 'good':
      console.log(`${file}: good`);
      break;
    case 'revoked':
      console.log(
        `${file}: revoked at ${verdict.revocationDate.toISOString()} (${verdict.reason}), CRL number ${verdict.crlNumber}`,
      );
      process.exitCode = 1;
      break;
    case 'unknown':
      console.log(`${file}: unknown (${verdict.cause}), which is not good`);
      process.exitCode = 1;
  }
}
