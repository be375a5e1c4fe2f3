/**
 * The secure context of a server: swapped after a commit, without the loss of sessions.
 *
 * @module
 */
import type { SecureContextOptions, Server } from 'node:tls';
import { type BuiltContext } from '../material/secure-context.js';
import { type Settings } from './settings.js';

/** Gives a server the secure context that is in force. */
export class ServerContext {
  readonly #keepsTicketKeys: boolean;
  /** What the server has. */
  #options: SecureContextOptions | undefined;
  /** `undefined` until there is a server, or if it has no TLS. */
  server: Server | undefined;

  constructor({ onRefused }: Pick<Settings, 'onRefused'>) {
    // With `onRefused: 'respond'` a refused client gets a ticket too, in which OpenSSL's verdict would outlive the CRL.
    this.#keepsTicketKeys = onRefused === 'close';
  }

  /** Whether the server has this context. */
  has({ options }: BuiltContext): boolean {
    return options === this.#options;
  }

  /**
   * Swaps the context, if the server does not have it. Keeps the ticket keys, so that sessions survive a reload: the
   * gate judges resumed sessions. The ticket keys of the first context may be known elsewhere, and are not kept.
   */
  swap(context: BuiltContext | undefined): void {
    // A large CRL is only in the index, so there may be nothing to swap.
    if (context === undefined || this.has(context)) return;
    const isKept = this.#options !== undefined && this.#keepsTicketKeys;
    const keys = isKept ? this.server?.getTicketKeys() : undefined;
    this.#set(context);
    if (keys !== undefined) this.server?.setTicketKeys(keys);
  }

  /** Swaps it in any case: the worker of a cluster inherits ticket keys that are as old as the cluster. */
  renew(context: BuiltContext | undefined): void {
    if (context !== undefined) this.#set(context);
  }

  #set({ options }: BuiltContext): void {
    this.server?.setSecureContext(options);
    this.#options = options;
  }
}
