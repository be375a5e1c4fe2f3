/**
 * CA folders as created by openssl, to be imported or used further.
 *
 * @module
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openssl } from './openssl.js';
import { temporaryDirectory } from './files.js';

/** The passphrase of the CA keys in these folders. */
export const passphrase = 'password';

const passin = ['-passin', `pass:${passphrase}`];

/**
 * What the classic walkthrough leaves: an encrypted CA key, certificates by `openssl x509 -req`, which the database
 * does not know, client2 revoked, and a CRL of version 1 that is signed with MD5.
 * @param version - Of the CA's certificate: 1, as openssl made it then, or 3, as it does now.
 */
export function makeTutorialFolder(version: 1 | 3): string {
  const folder = temporaryDirectory();
  const run = (...args: string[]): string => openssl(folder, ...args);
  writeFileSync(join(folder, 'ca.cnf'), tutorialConfiguration);
  run('genrsa', '-aes256', '-passout', `pass:${passphrase}`, '-traditional', '-out', 'ca-key.pem', '2048');
  makeRequest(folder, 'ca', passin);
  const extensions = 'basicConstraints = critical, CA:TRUE\nsubjectKeyIdentifier = hash\n';
  writeFileSync(join(folder, 'v3.cnf'), extensions);
  const v3 = version === 1 ? [] : ['-extfile', 'v3.cnf'];
  run(
    'x509',
    '-req',
    '-in',
    'ca-csr.pem',
    '-signkey',
    'ca-key.pem',
    ...passin,
    '-days',
    '9999',
    ...v3,
    '-out',
    'ca-crt.pem',
  );
  for (const name of ['server', 'client1', 'client2']) {
    run('genrsa', '-out', `${name}-key.pem`, name === 'client1' ? '1024' : '2048');
    makeRequest(folder, name, []);
    const issuer = ['-CA', 'ca-crt.pem', '-CAkey', 'ca-key.pem', ...passin, '-CAcreateserial'];
    run(
      'x509',
      '-req',
      '-in',
      `${name}-csr.pem`,
      '-days',
      '999',
      '-md5',
      ...issuer,
      '-out',
      `${name}-crt.pem`,
    );
  }
  writeFileSync(join(folder, 'ca-database.txt'), '');
  const ca = ['-config', 'ca.cnf', '-keyfile', 'ca-key.pem', '-cert', 'ca-crt.pem', ...passin];
  run('ca', ...ca, '-revoke', 'client2-crt.pem');
  run('ca', ...ca, '-gencrl', '-out', 'ca-crl.pem');
  return folder;
}

const tutorialConfiguration = `[ ca ]
default_ca = CA_default

[ CA_default ]
serial = ca-serial
crl = ca-crl.pem
database = ca-database.txt
name_opt = CA_default
cert_opt = CA_default
default_crl_days = 9999
default_md = md5

[ req ]
distinguished_name = name
prompt = no

[ name ]
CN = ca
`;

function makeRequest(folder: string, name: string, options: readonly string[]): void {
  const subject = `/C=US/ST=MA/L=Boston/O=Example Co/OU=techops/CN=${name === 'server' ? 'localhost' : name}/emailAddress=certs@example.com`;
  const configuration = ['-config', 'ca.cnf', '-subj', subject];
  openssl(
    folder,
    'req',
    '-new',
    ...configuration,
    '-key',
    `${name}-key.pem`,
    ...options,
    '-out',
    `${name}-csr.pem`,
  );
}

/** What `openssl ca` leaves, in the folders of its manual: an encrypted CA key, two clients of which one is revoked. */
export function makeOpensslCaFolder(): string {
  const folder = temporaryDirectory();
  const run = (...args: string[]): string => openssl(folder, ...args);
  for (const name of ['private', 'newcerts']) mkdirSync(join(folder, name));
  writeFileSync(join(folder, 'openssl.cnf'), caConfiguration);
  writeFileSync(join(folder, 'index.txt'), '');
  writeFileSync(join(folder, 'serial'), '1000\n');
  writeFileSync(join(folder, 'crlnumber'), '1000\n');
  const secret = ['-aes256', '-pass', `pass:${passphrase}`, '-pkeyopt', 'ec_paramgen_curve:P-256'];
  run('genpkey', '-algorithm', 'EC', ...secret, '-out', 'private/cakey.pem');
  const root = ['-new', '-x509', '-config', 'openssl.cnf', '-key', 'private/cakey.pem', ...passin];
  run('req', ...root, '-days', '3650', '-out', 'cacert.pem');
  for (const name of ['alice', 'bob']) {
    const key = ['-newkey', 'rsa:2048', '-noenc', '-keyout', `${name}.key`];
    run(
      'req',
      '-new',
      '-config',
      'openssl.cnf',
      ...key,
      '-subj',
      `/O=Example/CN=${name}`,
      '-out',
      `${name}.csr`,
    );
    const extensions = ['-extensions', 'client_extensions'];
    run(
      'ca',
      '-batch',
      '-config',
      'openssl.cnf',
      ...passin,
      ...extensions,
      '-in',
      `${name}.csr`,
      '-out',
      `${name}.crt`,
    );
  }
  run('ca', '-config', 'openssl.cnf', ...passin, '-revoke', 'bob.crt', '-crl_reason', 'keyCompromise');
  run('ca', '-config', 'openssl.cnf', ...passin, '-gencrl', '-out', 'crl.pem');
  return folder;
}

const caConfiguration = `[ ca ]
default_ca = CA_default

[ CA_default ]
dir = . # this folder
certificate = $dir/cacert.pem
private_key = \${dir}/private/cakey.pem
database = $dir/index.txt
new_certs_dir = $dir/newcerts
serial = $dir/serial
crlnumber = $dir/crlnumber
default_md = sha256
default_days = 365
default_crl_days = 30
policy = any

[ any ]
organizationName = optional
commonName = supplied

[ req ]
distinguished_name = name
x509_extensions = ca_extensions
prompt = no

[ name ]
O = Example
CN = Example CA

[ ca_extensions ]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash

[ client_extensions ]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = clientAuth
authorityKeyIdentifier = keyid
`;
