/**
 * The options of commands that use a shared store.
 *
 * @module
 */
import { InvalidArgumentError, Option } from 'commander';
import { MtlsError } from '../../errors.js';
import { count } from '../../quantity.js';
import type { Terminal } from '../terminal.js';
import { type OpenedStore, openStore } from './open-store.js';

/** The environment variable with the URL of the store, so that its password is not among the arguments. */
const storeVariable = 'EXPRESS_MTLS_STORE';

/** Text for `--help` about the URL of a store. */
export function describeStores(): string {
  return `
Stores:
  redis://[user:password@]host:port/0[?prefix=NAME]
      needs ioredis or redis
  postgres://[user:password@]host/database[?table=NAME]
      needs pg
  nats://[user:password@]host:port[?bucket=NAME]
      needs @nats-io/transport-node and @nats-io/kv
  rediss: and tls: use TLS. Without the option, the URL is read from ${storeVariable}: arguments are visible to other users of the machine, and a URL may have a password.`;
}

/** What is done while a CRL is published, for the progress. */
export function publishingWith(wait: number | undefined): string {
  return wait === undefined
    ? 'publishing'
    : `publishing, and waiting for ${count(wait, 'process', 'processes')}`;
}

/** An option with the URL of a store. */
export function storeOption(flags: string, description: string): Option {
  return new Option(flags, `${description} (or in ${storeVariable})`);
}

/** `--wait`: for how many processes. */
export function waitOption(): Option {
  return new Option('--wait <processes>', 'wait until this many processes have the CRL in force').argParser(
    (text) => readNumber(text, 1, 10_000),
  );
}

/** `--within`: for how long. */
export function withinOption(): Option {
  return new Option('--within <seconds>', 'how many seconds to wait for them')
    .default(10)
    .argParser((text) => readNumber(text, 0, 600));
}

function readNumber(text: string, low: number, high: number): number {
  const number = /^\d{1,5}$/.test(text) ? Number(text) : NaN;
  if (number >= low && number <= high) return number;
  throw new InvalidArgumentError(`expected a whole number from ${low} to ${high}.`);
}

/** What {@link withStore} needs to know. */
export interface StoreUse {
  /** From the option; `undefined` if it was left out. */
  readonly url: string | undefined;
  /** The name of the option, for errors. */
  readonly option: string;
  /** What is done with the store, for the progress: `'publishing'`. */
  readonly what: string;
}

/**
 * Runs work with the store of a URL, and closes it.
 * @throws MtlsError `ERR_MTLS_OPTION_INVALID` if there is no URL, or for a URL that {@link openStore} refuses.
 */
export async function withStore<Result>(
  terminal: Terminal,
  { url = terminal.world.env[storeVariable], option, what }: StoreUse,
  work: (store: OpenedStore['store']) => Promise<Result>,
): Promise<Result> {
  if (url === undefined || url === '')
    throw new MtlsError('ERR_MTLS_OPTION_INVALID', {
      seen: 'no store was named',
      remedy: `name it with ${option} URL, or in the environment variable ${storeVariable}`,
    });
  return await terminal.during(what, async () => {
    const opened = await openStore(url);
    try {
      return await work(opened.store);
    } finally {
      await opened.close();
    }
  });
}
