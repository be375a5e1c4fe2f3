/**
 * Passes events and notices to the log, and events to listeners and to the channels of node:diagnostics_channel.
 *
 * @module
 */
import { type Channel, channel } from 'node:diagnostics_channel';
import { EventEmitter } from 'node:events';
import { type EventSink } from '../logger.js';
import { callApp } from './app-call.js';
import { EventLog } from './event-log.js';
import { type Happenings, type MtlsEvents } from './events.js';
import { type Settings } from './settings.js';
import { Unlogged } from './unlogged.js';

/** Every copy of this package in the process uses the same channels. Programs can subscribe before it is loaded. */
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

/** Passes each happening to the log and, if it is an event of {@link Mtls}, to channels and listeners. */
export class Reporter implements EventSink<Happenings> {
  readonly emitter: EventEmitter = new EventEmitter();
  readonly #log: EventLog | Unlogged;
  readonly #mtls: object | undefined;

  /**
   * @param mtls - The handle for messages on the channels; `undefined` if there is none.
   */
  constructor({ logger, now }: Pick<Settings, 'logger' | 'now'>, mtls?: object) {
    this.#log = logger === undefined ? new Unlogged() : new EventLog(logger, now);
    this.#mtls = mtls;
  }

  /** Whether an event has a subscriber or a listener. Otherwise it need not be created. */
  isHeard(name: keyof MtlsEvents): boolean {
    return channels[name].hasSubscribers || this.emitter.listenerCount(name) > 0;
  }

  /** Writes the line of a happening, and calls its subscribers and listeners. Errors of listeners are reported. */
  emit<Name extends keyof Happenings>(name: Name, ...args: Happenings[Name]): void {
    this.#log.write(name, ...args);
    if (!isEvent(name)) return;
    const { [name]: told } = channels;
    // Node turns the error of a subscriber into an uncaught exception. It does not arrive here.
    if (told.hasSubscribers) told.publish({ mtls: this.#mtls, event: args[0] });
    if (this.emitter.listenerCount(name) === 0) return;
    // Not with emit(), in which a listener that throws prevents the calls of later ones, such as the status page's.
    const listeners = this.emitter.rawListeners(name) as ((...given: unknown[]) => unknown)[];
    for (const listener of listeners)
      callApp(`a listener of '${name}'`, () => Reflect.apply(listener, this.emitter, args));
  }

  /** Writes pending log lines. */
  rest(): void {
    this.#log.flush();
  }
}

function isEvent(name: keyof Happenings): name is keyof MtlsEvents {
  return Object.hasOwn(channels, name);
}
