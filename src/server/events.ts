/**
 * What a server tells of itself: as events, as log lines, and on channels of
 * node:diagnostics_channel.
 *
 * @module
 */
import { type Channel, channel } from 'node:diagnostics_channel';
import { EventEmitter } from 'node:events';
import { type MtlsError } from '../errors.js';
import { type GateEvents } from '../gate/events.js';
import { type Logger } from '../logger.js';
import { type DistinguishedName } from '../x509/distinguished-name.js';
import { callApp } from './app-call.js';

/** The outcome of a reload. */
export interface ReloadReport {
  /** Whether anything differs from what was in force. */
  readonly changed: boolean;
  /** How many certificates are revoked now that were not. */
  readonly added: number;
  /** How many certificates were revoked and are listed no more. */
  readonly removed: number;
  /** How many open connections were ended. */
  readonly evicted: number;
  /** From the reading of the files to the last eviction, in milliseconds. */
  readonly durationMs: number;
}

/** A CRL runs out soon. */
export interface CrlExpiringEvent {
  /** Whose CRL it is. */
  readonly issuer: DistinguishedName;
  /** When it runs out. */
  readonly nextUpdate: Date;
  /** The file or option it came from. */
  readonly source: string;
}

/** The events of {@link Mtls}, by name. */
export interface MtlsEvents extends GateEvents {
  /** Something new is in force. */
  reloaded: [ReloadReport];
  /** A reload failed; what was in force stays, and it is tried again. */
  'reload-failed': [
    {
      /** What is wrong, with file, fault and remedy. */
      readonly error: MtlsError;
    },
  ];
  /** Of a CRL's life, no more than `revocation.warnAt` is left. Told once for each CRL. */
  'crl-expiring': [CrlExpiringEvent];
}

/** An emitter whose events have types. */
export interface TypedEventEmitter<Events extends Record<keyof Events, unknown[]>> {
  /**
   * Adds a listener. One that throws or rejects is reported as a warning of the process, and decides nothing.
   * @param name - Of which event.
   * @param listener - What is called with what the event carries.
   */
  on<Name extends keyof Events>(name: Name, listener: (...args: Events[Name]) => void): this;
  /**
   * Adds a listener for the next such event alone.
   * @param name - Of which event.
   * @param listener - What is called with what the event carries.
   */
  once<Name extends keyof Events>(name: Name, listener: (...args: Events[Name]) => void): this;
  /**
   * Takes a listener away.
   * @param name - Of which event.
   * @param listener - The function that was added.
   */
  off<Name extends keyof Events>(name: Name, listener: (...args: Events[Name]) => void): this;
}

/** Found by name, by every copy of this package in the process, and by whoever subscribes before it is loaded. */
const channels: { readonly [Name in keyof MtlsEvents]: Channel } = {
  authenticated: channel('express-mtls.authenticated'),
  refused: channel('express-mtls.refused'),
  evicted: channel('express-mtls.evicted'),
  forbidden: channel('express-mtls.forbidden'),
  reloaded: channel('express-mtls.reloaded'),
  'reload-failed': channel('express-mtls.reload-failed'),
  'crl-expiring': channel('express-mtls.crl-expiring'),
};

/** Tells listeners, subscribers and the logger. One that throws or rejects is reported and decides nothing. */
export class Reporter {
  readonly emitter: EventEmitter = new EventEmitter();
  readonly #logger: Logger | undefined;
  readonly #mtls: object | undefined;

  /**
   * @param mtls - The handle that a message on a channel is about; `undefined` where there is none.
   */
  constructor(logger: Logger | undefined, mtls?: object) {
    this.#logger = logger;
    this.#mtls = mtls;
  }

  /** Whether anybody reads the lines: where thousands are evicted at once, none is put together for nobody. */
  get isLogging(): boolean {
    return this.#logger !== undefined;
  }

  /** Whether an event has a subscriber or a listener: what it takes to tell of it is not done for none. */
  isHeard(name: keyof MtlsEvents): boolean {
    return channels[name].hasSubscribers || this.emitter.listenerCount(name) > 0;
  }

  /** Logs a line; `event` is among its fields. */
  log(level: keyof Logger, fields: object, message: string): void {
    callApp('the logger', () => this.#logger?.[level](fields, message));
  }

  /** Calls the subscribers and the listeners of an event. */
  emit<Name extends keyof MtlsEvents>(name: Name, ...args: MtlsEvents[Name]): void {
    const { [name]: told } = channels;
    // What a subscriber throws, Node makes an uncaught exception of its own: it does not come back here.
    if (told.hasSubscribers) told.publish({ mtls: this.#mtls, event: args[0] });
    if (this.emitter.listenerCount(name) === 0) return;
    // Not by emit(), where one that throws keeps the event from those after it: the status page may be among them.
    const listeners = this.emitter.rawListeners(name) as ((...given: unknown[]) => unknown)[];
    for (const listener of listeners)
      callApp(`a listener of '${name}'`, () => Reflect.apply(listener, this.emitter, args));
  }
}
