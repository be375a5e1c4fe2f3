/**
 * Checks that are one question: is this client served under these CAs and CRLs?
 *
 * @module
 */
import type { Feature } from '../adapter.js';
import { type Check, fail } from '../check.js';
import type { CallOptions, ClientCertificate } from '../harness/client.js';
import type { Setup, Stage } from '../harness/stage.js';

export interface Trial extends Partial<Setup> {
  /** Who is tried; `undefined` has no certificate. */
  readonly client: ClientCertificate | undefined;
  /** Who has to be served under the same files. @defaultValue a client of the stage's CA */
  readonly beside?: ClientCertificate;
  readonly options?: CallOptions;
}

interface TrialText {
  readonly id: Check['id'];
  readonly sentence: string;
  readonly reference: string;
  readonly steps: string;
  readonly needs?: readonly Feature[];
  /** Whether a server may also refuse to start with these files. */
  readonly mayNotStart?: boolean;
  readonly trial: (stage: Stage) => Trial;
}

/** The client is refused, and another one is served. */
export function refusal({ trial, mayNotStart = false, ...text }: TrialText): Check {
  return {
    ...text,
    run: async (stage) => {
      const { client, beside = stage.root.client('good'), options = {}, ...given } = trial(stage);
      const setup = setupOf(stage, given);
      const server = await stage.start(setup).catch((error: unknown) => {
        if (mayNotStart) return `does not start: ${(error as Error).message}`;
        return fail(`does not start: ${(error as Error).message}`);
      });
      if (typeof server === 'string') return server;
      await server.serves(beside, 'the good client');
      const { served, seen } = await server.as(client).call(options);
      if (served) fail('served');
      await server.serves(beside, 'the good client, afterwards');
      return seen;
    },
  };
}

/** The client is served. */
export function admission({ trial, ...text }: TrialText): Check {
  return {
    ...text,
    run: async (stage) => {
      const { client, options = {}, ...given } = trial(stage);
      const server = await stage
        .start(setupOf(stage, given))
        .catch((error: unknown) => fail(`does not start: ${(error as Error).message}`));
      return await server.serves(client as ClientCertificate, 'the client', options);
    },
  };
}

/** By default the stage's CA, with a CRL that lists no certificate. */
function setupOf({ root }: Stage, { cas = [root], crls = [root.crl()], ...others }: Partial<Setup>): Setup {
  return { cas, crls, ...others };
}
