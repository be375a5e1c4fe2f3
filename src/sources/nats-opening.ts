/**
 * A bucket of NATS that is opened when it is first needed, so that a process can start while NATS is down.
 *
 * @module
 */
import { type NatsBucket } from './nats-bucket.js';

/** A bucket of the package `@nats-io/kv`, or a function that opens it. */
export type NatsBucketSource = NatsBucket | (() => Promise<NatsBucket>);

/** A bucket whose methods wait until it is open. If opening fails, the next call tries again. */
export function openedWhenNeeded(source: NatsBucketSource): NatsBucket {
  if (typeof source !== 'function') return source;
  let opening: Promise<NatsBucket> | undefined;
  const bucket = async (): Promise<NatsBucket> => {
    const current = (opening ??= source());
    try {
      return await current;
    } catch (error) {
      if (opening === current) opening = undefined;
      throw error;
    }
  };
  return {
    get: async (key) => await (await bucket()).get(key),
    create: async (key, data) => await (await bucket()).create(key, data),
    update: async (key, data, version) => await (await bucket()).update(key, data, version),
    put: async (key, data) => await (await bucket()).put(key, data),
    watch: async (options) => await (await bucket()).watch(options),
    status: async () => await (await bucket()).status(),
  };
}
