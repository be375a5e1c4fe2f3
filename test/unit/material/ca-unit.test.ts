import crypto from 'node:crypto';
import { afterEach, expect, jest, test } from '@jest/globals';
import { CaUnit } from '../../../src/material/ca-unit.js';
import { type CertificateStore } from '../../../src/x509/certificate-store.js';
import { parseCertificate } from '../../../src/x509/certificate.js';
import { ca } from '../../support/chain.js';
import { temporaryDirectory, writeMaterial } from '../../support/files.js';

afterEach(() => {
  jest.restoreAllMocks();
});

test('if a CA is added, the signatures of the other CAs and of their clients are not verified again', () => {
  const directory = temporaryDirectory();
  const root = ca('root');
  const middle = root.intermediate('middle');
  const added = ca('added');
  const { cas } = writeMaterial(directory, { cas: root.pem + middle.pem });
  const unit = new CaUnit([cas], '', [], { partialChain: 'deny', announceCas: 'all' });
  const at = new Date();
  const read = (inForce?: CertificateStore): CertificateStore => {
    const { whole, faults } = unit.read([], inForce, at);
    expect(faults).toEqual([]);
    return whole as CertificateStore;
  };
  const client = parseCertificate(middle.client().der);
  const before = read();
  expect(before.chainOf(client, [], at)).toHaveLength(3);
  writeMaterial(directory, { cas: root.pem + middle.pem + added.pem });
  const verify = jest.spyOn(crypto, 'verify');
  const after = read(before);
  expect(after).not.toBe(before);
  expect(after.isAnchor(parseCertificate(added.der))).toBe(true);
  expect(after.chainOf(client, [], at)).toHaveLength(3);
  // That of the added CA.
  expect(verify).toHaveBeenCalledTimes(1);
});
