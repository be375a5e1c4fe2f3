/**
 * The same 247 subtests as in `paths.test.ts`, each with a server and a client of its own over TLS 1.3: the client has
 * the end entity's certificate and nothing else, and the server has every other certificate and the CRLs.
 *
 * @module
 */
import { describe, expect, test } from '@jest/globals';
import type { MtlsOptions } from 'express-mtls';
import { ca } from '../support/chain.js';
import { startServer, type TestServer } from '../support/server.js';
import { type Case, readCases, withPkits } from './pkits.js';
import { rekey } from './rekeyed-case.js';

/**
 * By case, the CRL with which a server does not start, and the code of the error. The verdict on such a case is that of
 * a server without this CRL, which RFC 5280 section 6.3.3 does not use for the path either.
 */
const unusable: Readonly<Record<string, readonly [crl: string, code: string]>> = {
  '4.4.4': ['BadCRLSignatureCACRL', 'ERR_MTLS_CRL_SIGNATURE_INVALID'],
  '4.4.5': ['BadCRLIssuerNameCACRL', 'ERR_MTLS_CRL_ISSUER_UNKNOWN'],
  '4.4.7': ['TwoCRLsCABadCRL', 'ERR_MTLS_CRL_ISSUER_UNKNOWN'],
  '4.4.8': ['UnknownCRLEntryExtensionCACRL', 'ERR_MTLS_CRL_UNSUPPORTED'],
  '4.4.9': ['UnknownCRLExtensionCACRL', 'ERR_MTLS_CRL_UNSUPPORTED'],
  '4.4.10': ['UnknownCRLExtensionCACRL', 'ERR_MTLS_CRL_UNSUPPORTED'],
  '4.4.11': ['OldCRLnextUpdateCACRL', 'ERR_MTLS_CRL_EXPIRED'],
  '4.4.12': ['pre2000CRLnextUpdateCACRL', 'ERR_MTLS_CRL_EXPIRED'],
  '4.7.4': ['keyUsageCriticalcRLSignFalseCACRL', 'ERR_MTLS_CRL_ISSUER_UNKNOWN'],
  '4.7.5': ['keyUsageNotCriticalcRLSignFalseCACRL', 'ERR_MTLS_CRL_ISSUER_UNKNOWN'],
  '4.15.10': ['deltaCRLCA3CRL', 'ERR_MTLS_CRL_EXPIRED'],
};

withPkits(() => {
  const cases = readCases('paths.json');
  const root = ca('servers');
  const serverCertificate = root.server();

  test('PKITS is there, all 247 subtests', () => {
    expect(cases).toHaveLength(247);
    expect(Object.keys(unusable).filter((number) => cases.every((one) => one.number !== number))).toEqual([]);
  });

  test('only the signatures that are wrong in PKITS are wrong with new keys', () => {
    const wrong = cases.flatMap((one) => Array<string>(rekey(one).wrongSignatures).fill(one.number));
    expect(wrong).toEqual(['4.1.2', '4.1.3', '4.1.6', '4.4.4']);
  });

  describe('over TLS, the path of PKITS', () => {
    test.each(cases.map((one) => [one.number, one.title, one.valid ? 'valid' : 'invalid', one] as const))(
      '%s %s is %s',
      async (number, _title, _outcome, one) => {
        const { cas, crls, client } = rekey(one);
        const start = (those: readonly Buffer[]): Promise<TestServer> =>
          startServer({ root, serverCertificate, options: optionsFor(one, cas, those) });
        const [name = '', code] = unusable[number] ?? [];
        const index = one.crls.indexOf(name);
        if (code !== undefined)
          await expect(start(crls)).rejects.toMatchObject({ code, source: `options.crl[${index}]` });
        const server = await start(crls.filter((_, other) => other !== index));
        const { status } = await server.as(client, { version: 'TLSv1.3' }).get();
        const { recorder } = server;
        expect({
          status,
          admitted: recorder.events('authenticated').length,
          refusals: recorder.events('refused').map(({ detail }) => detail),
        }).toEqual(one.valid ? served : refused);
      },
    );
  });
});

const served = { status: 200, admitted: 1, refusals: [] };
// No refusal rests on OpenSSL alone.
const refused = {
  status: 'refused',
  admitted: 0,
  refusals: [expect.not.stringContaining('every check of this package passed')],
};

/** The revocation policy is the default one. */
function optionsFor(one: Case, cas: readonly Buffer[], crls: readonly Buffer[]): Partial<MtlsOptions> {
  return {
    ca: cas,
    crl: crls,
    // The suite is of 2011: its leaves have no extendedKeyUsage, and some are those of CAs.
    certificates: {
      missingUsage: 'allow',
      authority: 'allow',
      version1: 'allow',
      minRsaBits: 1024,
      ...(one.inputs && { policies: one.inputs }),
    },
  };
}
