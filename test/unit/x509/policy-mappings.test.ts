import { expect, test } from '@jest/globals';
import { parseCertificate } from '../../../src/x509/certificate.js';
import { noPolicyInputs, processPolicies } from '../../../src/x509/policy-graph.js';
import { ca } from '../../support/chain.js';
import { fastestTurn } from '../../support/cpu-time.js';
import { certificatePolicies, policyMappings } from '../../support/path-extensions.js';

const root = ca('root');
const policies = (count: number): string[] => Array.from({ length: count }, (_, index) => `1.2.3.${index}`);

// A chain in TLS has room for 4,000 mappings.
test.each([
  ['that the CA has', policies(900), policies(900)],
  ['that the CA has not', ['1.2.4'], policies(4000)],
])('many policies are mapped to one in no time: some %s', (_what, own, mapped) => {
  const middle = root.intermediate({
    extraExtensions: [
      certificatePolicies(...own),
      policyMappings(...mapped.map((policy) => [policy, '1.2.5'] as const)),
    ],
  });
  const client = middle.client({ extraExtensions: [certificatePolicies('1.2.4', '1.2.5')] });
  const path = [client, middle, root].map(({ der }) => parseCertificate(der));
  const judge = (): void => {
    expect(processPolicies(path, noPolicyInputs).policies).toEqual(own.length > 1 ? own : ['1.2.4']);
  };
  expect(fastestTurn(judge)).toBeLessThan(100);
});
