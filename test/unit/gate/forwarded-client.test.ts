import { describe, expect, test } from '@jest/globals';
import { ForwardedClient } from '../../../src/gate/forwarded-client.js';
import { ReadPeer } from '../../../src/gate/peer.js';
import { parseCertificate } from '../../../src/x509/certificate.js';
import { ca } from '../../support/chain.js';
import { client1 as proxy } from '../../support/exchange.js';

const certificate = parseCertificate(ca('ca').client('alice').der);
const admission = { generation: 7, from: 1000, until: 2000, policies: [], wanted: [] };

function newClient(): ForwardedClient {
  return new ForwardedClient(new ReadPeer(certificate, 0));
}

describe('the verdict that the requests of a client share', () => {
  test.each([
    ['holds from the time of the judgement', 1000, 7, true],
    ['holds until a date passes', 1999, 7, true],
    ['ends when a date passes', 2000, 7, false],
    ['does not hold before, if the clock was set back', 999, 7, false],
    ['does not hold after a reload', 1500, 8, false],
  ])('%s', (_what, now, generation, holds) => {
    const client = newClient();
    client.admit(admission);
    expect(client.admissionAt(now, generation)).toBe(holds ? admission : undefined);
  });

  test('does not exist before the first judgement', () => {
    expect(newClient().admissionAt(1500, 7)).toBeUndefined();
  });
});

describe('the identity of a client behind a proxy', () => {
  test('is one object for all its requests, so that rules find their results', () => {
    const client = newClient();
    const { policies } = admission;
    const identity = client.identityThrough(proxy, policies);
    expect(identity).toMatchObject({ source: 'proxy', commonName: 'alice', resumed: false });
    expect(Object.isFrozen(identity)).toBe(true);
    expect(client.identityThrough(proxy, policies)).toBe(identity);
  });

  test('is another object behind another proxy, and with other policies', () => {
    const client = newClient();
    const { policies } = admission;
    client.identityThrough(proxy, policies);
    expect(client.identityThrough(undefined, policies).via).toBeUndefined();
    expect(client.identityThrough(undefined, ['1.2.3']).policies).toEqual(['1.2.3']);
  });
});
