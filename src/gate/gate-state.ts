/**
 * What a gate asks of the server that it belongs to.
 *
 * @module
 */
import { type Judges } from '../judgement/judges.js';
import { type TrustOwner } from '../material/loader-hooks.js';

/** By whom clients are judged. */
export interface GateState {
  readonly judges: Judges | undefined;
  /** The SHA-256 hash of each proxy secret. */
  readonly proxySecrets?: readonly Buffer[];
  /** Called before a client is judged, so that changed files take effect even if the event loop is busy. */
  catchUp?(): void;
  /** Receives the distribution points of a client that no CRL covers. */
  want?(uris: readonly string[], owner: TrustOwner): void;
}
