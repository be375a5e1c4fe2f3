/**
 * The certificates of both servers. With `INTERNAL`, a folder as in docs/behind-nginx.md, they are behind nginx.
 *
 * @module
 */
import { developmentLogger, type MtlsOptions } from 'express-mtls';

const certs = process.env['CERTS'] ?? 'certs-dev';
const internal = process.env['INTERNAL'];

export const options: MtlsOptions = {
  key: `${internal ?? certs}/server-key.pem`,
  cert: `${internal ?? certs}/server-crt.pem`,
  ca: `${certs}/ca-crt.pem`,
  crl: `${certs}/ca-crl.pem`,
  logger: developmentLogger(),
  ...(internal === undefined ? {} : { proxies: behindNginx(internal) }),
};

function behindNginx(folder: string): NonNullable<MtlsOptions['proxies']> {
  const [ca, crl] = [`${folder}/ca-crt.pem`, `${folder}/ca-crl.pem`];
  return { from: { ca, crl, rule: { commonName: 'nginx' } }, header: 'nginx' };
}
