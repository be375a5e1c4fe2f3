/**
 * Parses certificates to identities, with the code that the gate runs for a new certificate.
 *
 * @module
 */
import { answerCalls } from '../harness/calls.js';
import type * as identityModule from '../../src/identity/client-identity.js';
import type * as certificateModule from '../../src/x509/certificate.js';

// Not among the public names: from the build, where the package runs them.
const built = new URL('../../dist/cjs/', import.meta.url);
const { parseCertificate } = (await import(
  new URL('x509/certificate.js', built).href
)) as typeof certificateModule;
const { identityOf } = (await import(
  new URL('identity/client-identity.js', built).href
)) as typeof identityModule;

const calls = {
  /** Parses each once, and returns the durations in microseconds. */
  readAll(certificates: readonly Uint8Array[]): number[] {
    const ders = certificates.map((der) => Buffer.from(der));
    return ders.map((der) => {
      const started = process.hrtime.bigint();
      const { serialNumber } = identityOf(parseCertificate(der));
      const took = Number(process.hrtime.bigint() - started) / 1e3;
      if (serialNumber === '') throw new Error('there is no serial number');
      return took;
    });
  },
};

export type ReaderCalls = typeof calls;

answerCalls(calls);
