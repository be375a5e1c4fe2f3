/**
 * `npm run example -- client1`: calls the tutorial's server with a client's certificate.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import https from 'node:https';
import { parseArgs } from 'node:util';

const port = process.env['PORT'] ?? '4433';
const certs = process.env['CERTS'] ?? 'certs-dev';

const help = `Calls https://localhost:${port} with a certificate from ${certs}, and prints the answer.

  npm run example -- client1           as client1, who is also the default
  npm run example -- client2 /admin    as client2, another page
  npm run example -- anonymous         without a certificate

PORT and CERTS in the environment name another port and another folder.`;

const options = { help: { type: 'boolean' } } as const;
const { values, positionals } = parseArgs({ options, allowPositionals: true });
const [name = 'client1', path = '/'] = positionals;

if (values.help) console.log(help);
else call();

function call(): void {
  const url = `https://localhost:${port}${path}`;
  const request = https.get(url, { ...readCredentials(), agent: false }, (response) => {
    if (response.statusCode !== 200) fail(`The server answers ${name} with ${response.statusCode}:`);
    response.pipe(process.stdout);
  });
  request.on('error', ({ code = '', message }: NodeJS.ErrnoException) => {
    if (code === 'ECONNREFUSED') fail(`Nothing listens on port ${port}. Start the server with: npm start`);
    else if (!['ECONNRESET', 'EPIPE'].includes(code)) fail(`The call failed: ${message}`);
    else fail(`The server refused ${name}: it closed the connection. Its log has the reason.`);
  });
}

function readCredentials(): https.RequestOptions {
  const read = (file: string): Buffer => readFileSync(`${certs}/${file}.pem`);
  try {
    const ca = read('ca-crt');
    return name === 'anonymous' ? { ca } : { ca, cert: read(`${name}-crt`), key: read(`${name}-key`) };
  } catch (error) {
    fail(`${(error as Error).message}. The certificates of client1 and client2 are made by: npm run certs`);
    process.exit();
  }
}

function fail(sentence: string): void {
  console.error(sentence);
  process.exitCode = 1;
}
