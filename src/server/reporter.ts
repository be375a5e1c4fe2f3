/**
 * Passes on what is reported: to the log, to listeners, and to channels of
 * node:diagnostics_channel.
 *
 * @module
 */
import { type Channel, channel } from 'node:diagnostics_channel';
import { EventEmitter } from 'node:events';
import { type EventSink } from '../logger.js';
import { callApp } from './app-call.js';
import { EventLog } from './event-log.js';
import { type Happenings, type MtlsEvents } from './events.js';
import { type Settings } from './options.js';
import { Unlogged } from './unlogged.js';

/** Every copy of this package in the process uses the same channels, which can be subscribed to before it is loaded. */
const channels: { readonly [Name in keyof MtlsEvents]: Channel } = {
  authenticated: channel('express-mtls.authenticated'),
  refused: channel('express-mtls.refused'),
  evicted: channel('express-mtls.evicted'),
  forbidden: channel('express-mtls.forbidden'),
  reloaded: channel('express-mtls.reloaded'),
  'reload-failed': channel('express-mtls.reload-failed'),
  recovered: channel('express-mtls.recovered'),
  'crl-expiring': channel('express-mtls.crl-expiring'),
};

/** Passes each happening on: to the log, and if it is an event of {@link Mtls}, to channels and listeners. */
export class Reporter implements EventSink<Happenings> {
  readonly emitter: EventEmitter = new EventEmitter();
  readonly #log: EventLog | Unlogged;
  readonly #mtls: object | undefined;

  /**
   * @param mtls - The handle that a message on a channel is about; `undefined` where there is none.
   */
  constructor({ logger, now }: Pick<Settings, 'logger' | 'now'>, mtls?: object) {
    this.#log = logger === undefined ? new Unlogged() : new EventLog(logger, now);
    this.#mtls = mtls;
  }

  /** Whether an event has a subscriber or a listener: what it takes to make it is not done for none. */
  isHeard(name: keyof MtlsEvents): boolean {
    return channels[name].hasSubscribers || this.emitter.listenerCount(name) > 0;
  }

  /** Writes the line of a happening, and calls its subscribers and listeners. A listener that throws is reported, and decides nothing. */
  emit<Name extends keyof Happenings>(name: Name, ...args: Happenings[Name]): void {
    this.#log.write(name, ...args);
    if (!isEvent(name)) return;
    const { [name]: told } = channels;
    // What a subscriber throws, Node makes an uncaught exception of its own: it does not come back here.
    if (told.hasSubscribers) told.publish({ mtls: this.#mtls, event: args[0] });
    if (this.emitter.listenerCount(name) === 0) return;
    // Not by emit(), where one that throws keeps the event from those after it: the status page may be among them.
    const listeners = this.emitter.rawListeners(name) as ((...given: unknown[]) => unknown)[];
    for (const listener of listeners)
      callApp(`a listener of '${name}'`, () => Reflect.apply(listener, this.emitter, args));
  }

  /** Writes what of the log is still to be written. */
  rest(): void {
    this.#log.flush();
  }
}

function isEvent(name: keyof Happenings): name is keyof MtlsEvents {
  return Object.hasOwn(channels, name);
}
